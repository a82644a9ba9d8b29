import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Why a QEMU cannot be used; undefined: it can. */
export function unusable(command: readonly string[]): string | undefined {
  const [program, ...args] = command;
  const { stdout, error } = spawnSync(program!, [...args, '-device', 'help'], { encoding: 'utf8' });
  if (error !== undefined) return `${program} cannot be run: ${error.message}`;
  return stdout.includes('"vfio-user-pci"') ? undefined : `${program} has no vfio-user-pci (QEMU 10.1 has)`;
}

/** Where the test puts BAR0, and an address in RAM. */
const BAR0 = 0xe000_0000;
const RAM = 0x10_0000;

/** Attaches the adder to QEMU and does as its guest would, by QEMU's qtest protocol. */
export async function checkAdder(qemu: readonly string[], socket: string): Promise<void> {
  const [program, ...args] = qemu;
  const device = { driver: 'vfio-user-pci', addr: '1', socket: { type: 'unix', path: socket } };
  const child = spawn(program!, [
    ...args,
    ...['-nodefaults', '-display', 'none', '-m', '64'],
    ...['-object', 'memory-backend-memfd,id=ram,size=64M,share=on'],
    ...['-machine', 'q35,memory-backend=ram,accel=qtest', '-qtest', 'stdio', '-qtest-log', '/dev/null'],
    ...['-device', JSON.stringify(device)],
  ]);
  const guest = new Guest(child);
  try {
    await guest.ask('irq_intercept_in ioapic');
    assert.equal(await guest.config(0x00), 0xadde_1234, 'vendor and device');
    await guest.setConfig(0x10, 0xffff_ffff);
    assert.equal(await guest.config(0x10), 0xffff_f000, 'the size of BAR0');
    await guest.setConfig(0x10, BAR0);
    await guest.setConfig(0x04, 0x0006);
    await guest.ask(`write 0x${RAM.toString(16)} 4 0x01020304`);
    await guest.ask(`writeq 0x${BAR0.toString(16)} 0x${RAM.toString(16)}`);
    await guest.ask(`writel 0x${(BAR0 + 8).toString(16)} 4`);
    assert.equal(await guest.read(BAR0 + 16), 10, 'the sum of what is in RAM');
    await guest.interrupt();
  } finally {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

class Guest {
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[] = [];
  readonly #errors: string[] = [];
  #raised = false;
  #onRaised: () => void = () => undefined;

  constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (/^(OK|FAIL|ERR)/.test(line)) this.#answers.shift()?.(line);
      if (!line.startsWith('IRQ raise')) return;
      this.#raised = true;
      this.#onRaised();
    });
    createInterface({ input: child.stderr! }).on('line', (line) => this.#errors.push(line));
    child.on('exit', () => {
      for (const answer of this.#answers.splice(0)) answer(`FAIL ${this.#errors.join('; ')}`);
    });
  }

  async ask(command: string): Promise<string> {
    const answer = await new Promise<string>((resolve) => {
      this.#answers.push(resolve);
      this.#child.stdin!.write(`${command}\n`);
    });
    assert.ok(answer.startsWith('OK'), `${command}: ${answer}`);
    return answer.slice(3);
  }

  async read(address: number): Promise<number> {
    return Number(await this.ask(`readl 0x${address.toString(16)}`));
  }

  async config(offset: number): Promise<number> {
    await this.#selectConfig(offset);
    return Number(await this.ask('inl 0xcfc'));
  }

  async setConfig(offset: number, value: number): Promise<void> {
    await this.#selectConfig(offset);
    await this.ask(`outl 0xcfc 0x${value.toString(16)}`);
  }

  /** Resolves when an interrupt has been raised. */
  async interrupt(): Promise<void> {
    if (this.#raised) return;
    await new Promise<void>((resolve, reject) => {
      this.#onRaised = resolve;
      setTimeout(() => reject(new Error('no interrupt')), 5000).unref();
    });
  }

  async #selectConfig(offset: number): Promise<void> {
    await this.ask(`outl 0xcf8 0x${(0x8000_0800 + offset).toString(16)}`);
  }
}
