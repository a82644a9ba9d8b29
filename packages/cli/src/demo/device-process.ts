import type { Clock } from '@godwit/clock';
import { ChildProgram } from './child-program.js';

/** A `godwit device serve` in a process of its own. */
export class DeviceProcess {
  readonly #program: ChildProgram;
  readonly #serving: Promise<void>;

  /** @param device model and properties, as `--device` takes them */
  constructor(godwit: string, name: string, options: { socket: string; device: string }, clock: Clock) {
    const args = ['device', 'serve', '--socket', options.socket, '--device', options.device];
    this.#program = new ChildProgram(godwit, name, args, clock);
    this.#serving = new Promise((resolve) => {
      const look = (text: string) => {
        if (!text.includes('serving ')) return;
        this.#program.errors.off('data', look);
        resolve();
      };
      this.#program.errors.on('data', look);
    });
  }

  get name(): string {
    return this.#program.name;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Resolves when a client can connect. Rejects with what the server says when it ends first. */
  serving(): Promise<void> {
    const ended = this.#program.lastWords().then((words) => {
      throw new Error(`the ${this.name} did not start: ${words}`);
    });
    return Promise.race([this.#serving, ended]);
  }

  close(): Promise<void> {
    return this.#program.close();
  }
}
