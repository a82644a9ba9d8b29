import { parseArgs } from 'node:util';
import { SystemClock } from '@godwit/clock';
import { NativeUnavailableError, requireNative } from '@godwit/native';
import { createModel, MODEL_DEVICE_TYPE, MODELS, PropertyError, type PropertyValue } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '@godwit/vfio-user';
import { Failure, type Io, UsageError } from '../io.js';

export const usage = `godwit device serve --socket PATH --device MODEL[,PROPERTY=VALUE...] [--once]

Serves a device model over vfio-user, for QEMU 10.1 and newer (-device vfio-user-pci), godwit machine or any other
client, one at a time. The device keeps its state when a client leaves.
Models: ${[...MODELS.keys()].join(', ')}. Properties are those of -device ${MODEL_DEVICE_TYPE}.

  --socket PATH     listen there (also --socket-path)
  --device ...      the model and its properties
  --once            end when the client has left

SIGTERM and SIGINT end it too, and remove the socket.
Exit codes: 0 ended so, 1 it could not serve, 2 wrong call.`;

/** What ends a server from outside; `disconnect`: the process that started it with a channel (child_process.fork) is gone. */
const ENDINGS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const;

/** `godwit device serve`: see {@link usage}. */
export async function run(args: string[], io: Io): Promise<number> {
  const call = parse(args);
  try {
    await serve(call, io);
  } catch (error) {
    if (error instanceof PropertyError) throw new UsageError(error.message);
    if (error instanceof NativeUnavailableError) throw new Failure(error.message);
    if (isSystemError(error)) throw new Failure(`cannot serve on ${call.socket}: ${error.message}`);
    throw error;
  }
  return 0;
}

interface Call {
  readonly once: boolean;
  readonly socket: string;
  readonly model: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
}

function parse(args: string[]): Call {
  const { values } = parseArgs({
    args,
    options: {
      // The second name is that of the conventions for vfio-user back-ends.
      socket: { type: 'string' },
      'socket-path': { type: 'string' },
      device: { type: 'string' },
      once: { type: 'boolean' },
    },
  });
  const socket = values.socket ?? values['socket-path'];
  if (socket === undefined || values.device === undefined) {
    throw new UsageError('give --socket PATH and --device MODEL');
  }
  const [model = '', ...assignments] = values.device.split(',');
  const properties = assignments.map((assignment): [string, PropertyValue] => {
    const at = assignment.indexOf('=');
    return at < 0 ? [assignment, 'on'] : [assignment.slice(0, at), assignment.slice(at + 1)];
  });
  return { once: values.once ?? false, socket, model, properties: Object.fromEntries(properties) };
}

/** Serves until a signal comes or, with --once, the client has left. */
async function serve({ socket, model, properties, once }: Call, io: Io): Promise<void> {
  const native = requireNative('serving a device');
  const clock = new SystemClock();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const server = new VfioUserServer({
    native,
    clock,
    create: ({ memory, interrupts }) =>
      modelFunction(
        createModel(model, properties, {
          clock,
          memory,
          interrupt: () => interrupts.raise(),
          random: Math.random,
        }),
      ),
    events: {
      connected: () => io.stderr.write('client connected\n'),
      disconnected: (error) => {
        io.stderr.write(error === undefined ? 'client gone\n' : `client gone: ${error.message}\n`);
        if (once) end();
      },
      refused: (error) => io.stderr.write(`connection refused: ${error.message}\n`),
    },
  });
  for (const ending of ENDINGS) process.on(ending, end);
  try {
    server.listen(socket);
    io.stderr.write(`serving ${model} on ${socket}\n`);
    await ended;
  } finally {
    for (const ending of ENDINGS) process.off(ending, end);
    server.close();
    server.device.migration?.close();
  }
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
