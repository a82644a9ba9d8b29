import { JsonDouble, JsonError, type JsonObject, type JsonValue, parse, stringify } from '@godwit/json';
import { native } from '@godwit/native';
import { QmpClient, QmpCommandError } from '@godwit/qmp';
import { Failure, type Io, UsageError } from './io.js';

export const usage = `godwit qmp ADDRESS [COMMAND [ARGUMENTS]]

Sends one command to a QMP monitor, of our machine or of QEMU, and prints the reply; without a command,
query-status. Events that come meanwhile go to standard error, a line each.

  ADDRESS      unix:PATH or a path, tcp:HOST:PORT or HOST:PORT, fd:N
  ARGUMENTS    a JSON object: '{"path": "/machine", "property": "type"}'

Exit codes: 0 the command succeeded, 1 it failed or there is no monitor, 2 wrong call.`;

/** `godwit qmp`: see {@link usage}. */
export async function run(args: readonly string[], { stdout, stderr }: Io): Promise<number> {
  const [address, command = 'query-status', json, ...rest] = args;
  if (address === undefined) throw new UsageError('give the address of a monitor');
  if (rest.length > 0) throw new UsageError(`'${rest[0]}' is one argument too many`);
  const parameters = json === undefined ? undefined : parseArguments(json);
  try {
    const client = await QmpClient.connect(address, { native });
    const events = printEvents(client, stderr);
    try {
      const reply = await client.execute(command, parameters);
      stdout.write(`${stringify((reply ?? {}) as JsonValue, { pretty: true })}\n`);
    } finally {
      await client.close();
      await events;
    }
    return 0;
  } catch (error) {
    const kind = error instanceof QmpCommandError ? `${error.errorClass}: ` : '';
    throw new Failure(`${kind}${(error as Error).message}`, { cause: error });
  }
}

/** One line for each event, as it came over the wire. */
async function printEvents(client: QmpClient, stderr: Io['stderr']): Promise<void> {
  for await (const event of client.events()) {
    if (event.type !== 'event') continue;
    const { name, data, timestamp } = event;
    const message: JsonObject = {
      timestamp: { ...timestamp },
      event: name,
      ...(data === undefined ? {} : { data: data as JsonValue }),
    };
    stderr.write(`${stringify(message)}\n`);
  }
}

function parseArguments(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new UsageError(`the arguments are no JSON: ${error.message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof JsonDouble) {
    throw new UsageError('the arguments must be a JSON object');
  }
  return value;
}
