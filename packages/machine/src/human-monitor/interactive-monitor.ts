import { type Connectable, closeDescriptor, NamedDescriptors, type Transport } from '@godwit/qmp';
import type { Machine } from '../machine.js';
import { VERSION } from '../version.js';
import type { MonitorContext } from './command.js';
import { executeLine } from './human-monitor.js';
import { LineEditor } from './line-editor.js';

const PROMPT = '(qemu) ';

/** A human monitor that a person types into: it greets, echoes, edits lines and prompts. */
export class InteractiveMonitor implements Connectable {
  readonly label: string;
  readonly #machine: Machine;
  /** Descriptors that `getfd` named; they belong to the monitor and outlive its clients. */
  readonly #descriptors = new NamedDescriptors(closeDescriptor);
  #cpuIndex = 0;

  constructor(label: string, machine: Machine) {
    this.label = label;
    this.#machine = machine;
  }

  attach(transport: Transport): Promise<Error | undefined> {
    const received: number[] = [];
    const context = this.#context(received);
    const print = (text: string): void => {
      transport.write(Buffer.from(text));
    };
    // Lines are executed one after the other, however fast they come.
    let queue: Promise<void> = Promise.resolve();
    const editor = new LineEditor(print, (line) => {
      queue = queue.then(async () => {
        print(await executeLine(line, context));
        this.#cpuIndex = context.cpuIndex;
        print(PROMPT);
      });
    });
    return new Promise((resolve) => {
      const { major, minor, micro } = VERSION.qemu;
      transport.start({
        data: (chunk, fds) => {
          received.push(...fds);
          editor.receive(chunk);
        },
        drain: () => {},
        ended: () => void queue.then(() => transport.end()),
        closed: (error) => {
          for (const fd of received.splice(0)) closeDescriptor(fd);
          resolve(error);
        },
      });
      print(`QEMU ${major}.${minor}.${micro} monitor - type 'help' for more information\r\n${PROMPT}`);
    });
  }

  close(): void {
    this.#descriptors.closeAll();
  }

  #context(received: number[]): MonitorContext {
    return {
      machine: this.#machine,
      monitor: { label: this.label, descriptors: this.#descriptors },
      takeDescriptor: () => {
        const [first, ...others] = received.splice(0);
        for (const fd of others) closeDescriptor(fd);
        return first;
      },
      cpuIndex: this.#cpuIndex,
    };
  }
}
