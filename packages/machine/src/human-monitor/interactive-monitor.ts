import { closeDescriptor, NamedDescriptors, type Transport } from '@godwit/qmp';
import type { ChardevFrontend } from '../chardev/index.js';
import type { Machine } from '../machine.js';
import { VERSION } from '../version.js';
import type { MonitorContext } from './command.js';
import { completeLine } from './completion.js';
import { executeLine, MONITOR_TABLE } from './human-monitor.js';
import { LineEditor } from './line-editor.js';

const PROMPT = '(qemu) ';
const PASSWORD_PROMPT = 'Password: ';

interface PasswordRequest {
  resolve(password: string): void;
  reject(error: Error): void;
}

/** A human monitor that a person types into: it greets, echoes, edits and completes lines, and prompts. */
export class InteractiveMonitor implements ChardevFrontend {
  readonly label: string;
  /** Descriptors that `getfd` named; they belong to the monitor and outlive its clients. */
  readonly #descriptors = new NamedDescriptors(closeDescriptor);
  readonly #editor = new LineEditor(PROMPT, (text) => this.#print(Buffer.from(text, 'latin1')));
  readonly #context: MonitorContext;
  #transport: Transport | undefined;
  /** Descriptors that came and were not taken yet. */
  #received: number[] = [];
  /** Keys that wait for the end of a command. */
  #keys: Uint8Array[] = [];
  #working = false;
  #suspended = false;
  #focused = true;
  #execution: Promise<void> = Promise.resolve();
  #password: PasswordRequest | undefined;
  /** Called when a command asks for a password. */
  #onPassword: () => void = () => {};

  constructor(label: string, machine: Machine) {
    this.label = label;
    const { history } = this.#editor;
    this.#context = {
      machine,
      monitor: { label, descriptors: this.#descriptors },
      takeDescriptor: () => {
        const [first, ...others] = this.#received.splice(0);
        for (const fd of others) closeDescriptor(fd);
        return first;
      },
      terminal: {
        get history() {
          return history.lines.map(decoded);
        },
        readPassword: () => this.#readPassword(),
        suspend: () => {
          this.#suspended = true;
        },
      },
      cpuIndex: 0,
    };
  }

  attach(transport: Transport): Promise<Error | undefined> {
    this.#transport = transport;
    return new Promise((resolve) => {
      transport.start({
        data: (chunk, fds) => {
          this.#received.push(...fds);
          this.#keys.push(Uint8Array.from(chunk));
          void this.#work();
          // The keys of the next line wait, and with them whatever a shared connection says then.
          if (this.#working) transport.pause();
        },
        drain: () => {},
        ended: () => void this.#execution.then(() => transport.end()),
        closed: (error) => {
          this.#detach();
          resolve(error);
        },
      });
      const { major, minor, micro } = VERSION.qemu;
      this.#printText(`QEMU ${major}.${minor}.${micro} monitor - type 'help' for more information\n`);
      this.#editor.begin(PROMPT);
      if (this.#focused) this.#editor.showPrompt();
    });
  }

  focus(gained: boolean): void {
    this.#focused = gained;
    if (!gained) this.#printText('\n');
    else {
      this.#editor.begin(PROMPT);
      this.#editor.showPrompt();
    }
  }

  close(): void {
    this.#transport?.end();
    this.#descriptors.closeAll();
  }

  #detach(): void {
    this.#transport = undefined;
    this.#keys = [];
    this.#password?.reject(new Error('the terminal is gone'));
    this.#password = undefined;
    for (const fd of this.#received.splice(0)) closeDescriptor(fd);
  }

  /** Presses key after key; a command is finished before the next one. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let keys = this.#keys[0]; keys !== undefined && !this.#suspended; keys = this.#keys[0]) {
      const [key, ...rest] = [keys[0]!, keys.subarray(1)];
      if (rest[0]!.length === 0) this.#keys.shift();
      else this.#keys[0] = rest[0]!;
      const pressed = this.#press(key);
      if (pressed !== undefined) await pressed;
    }
    this.#working = false;
    this.#transport?.resume();
  }

  #press(key: number): Promise<void> | void {
    const pressed = this.#editor.press(key);
    if (pressed === 'complete') return this.#complete();
    if (pressed !== undefined) return this.#enter(decoded(pressed.line));
  }

  async #complete(): Promise<void> {
    const line = decoded(this.#editor.beforeCursor);
    const { typed, candidates } = await completeLine(line, MONITOR_TABLE, this.#context);
    this.#editor.complete({ typed, candidates: candidates.map(encoded) });
  }

  /** A command's line, or the password that one asked for. */
  async #enter(line: string): Promise<void> {
    const password = this.#password;
    this.#password = undefined;
    this.#editor.begin(PROMPT);
    const asked = new Promise<void>((resolve) => {
      this.#onPassword = resolve;
    });
    if (password === undefined) this.#execution = this.#execute(line);
    else password.resolve(line);
    await Promise.race([this.#execution, asked]);
    if (!this.#suspended) this.#editor.showPrompt();
  }

  async #execute(line: string): Promise<void> {
    this.#printText(await executeLine(line, this.#context));
  }

  /** The command waits while the keys of the next line are read. */
  #readPassword(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#password = { resolve, reject };
      this.#editor.begin(PASSWORD_PROMPT, true);
      this.#onPassword();
    });
  }

  #printText(text: string): void {
    this.#print(Buffer.from(text));
  }

  #print(text: Buffer): void {
    if (text.length === 0) return;
    this.#transport?.write(Buffer.from(text.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1'));
  }
}

/** The editor has a character for each byte. */
function decoded(line: string): string {
  return Buffer.from(line, 'latin1').toString();
}

function encoded(text: string): string {
  return Buffer.from(text).toString('latin1');
}
