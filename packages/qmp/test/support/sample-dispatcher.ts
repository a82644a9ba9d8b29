import type { JsonObject, JsonValue } from '@godwit/json';
import { type CommandContext, type CommandTraits, type Dispatcher, QmpError } from '../../src/index.js';

const plainTraits: CommandTraits = { allowOob: false, allowPreconfig: false, noSuccessResponse: false };

/** A few commands that show what a session does, and a log of what was executed. */
export class SampleDispatcher implements Dispatcher {
  readonly greeting: JsonObject = { qemu: { micro: 0, minor: 1, major: 0 }, package: 'sample' };
  phase: 'preconfig' | 'ready' = 'ready';
  readonly log: string[] = [];
  readonly taken: (number | undefined)[] = [];
  readonly #gates: (() => void)[] = [];

  readonly #commands: Readonly<
    Record<
      string,
      { traits?: Partial<CommandTraits>; run: (args: JsonObject, context: CommandContext) => unknown }
    >
  > = {
    'query-name': { traits: { allowPreconfig: true }, run: () => ({}) },
    echo: { run: (args) => args },
    stop: { run: () => undefined },
    fail: {
      run: () => {
        throw new QmpError('DeviceNotFound', "Device 'x' not found");
      },
    },
    crash: { run: () => Promise.reject(new Error('unforeseen')) },
    wait: { run: () => new Promise<void>((resolve) => this.#gates.push(resolve)) },
    urgent: { traits: { allowOob: true }, run: () => 'now' },
    silent: { traits: { noSuccessResponse: true }, run: () => undefined },
    take: { run: (_args, context) => this.#take(context) },
    getfd: {
      run: (args, context) => context.monitor.descriptors.add(String(args.fdname), context.takeDescriptor()),
    },
    closefd: { run: (args, context) => context.monitor.descriptors.close(String(args.fdname)) },
    large: { run: () => 'x'.repeat(200_000) },
  };

  describe(command: string): CommandTraits | undefined {
    const entry = Object.hasOwn(this.#commands, command) ? this.#commands[command] : undefined;
    return entry && { ...plainTraits, ...entry.traits };
  }

  execute(
    command: string,
    args: JsonObject,
    context: CommandContext,
  ): Promise<JsonValue | undefined> | JsonValue {
    this.log.push(`${context.monitor.label}:${command}`);
    return this.#commands[command]!.run(args, context) as JsonValue;
  }

  /** Lets the `wait` command that has waited longest return. */
  open(): void {
    this.#gates.shift()?.();
  }

  #take(context: CommandContext): JsonValue {
    const fd = context.takeDescriptor();
    this.taken.push(fd);
    return fd ?? null;
  }
}
