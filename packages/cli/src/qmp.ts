import { JsonDouble, JsonError, type JsonObject, type JsonValue, parse, stringify } from '@godwit/json';
import { native } from '@godwit/native';
import { QmpClient, QmpCommandError } from '@godwit/qmp';
import type { CommandIo } from './command-io.js';

const USAGE = 'usage: godwit qmp ADDRESS [COMMAND [ARGUMENTS]]\n';

/**
 * `godwit qmp ADDRESS [COMMAND [JSON]]`: sends one command and prints its reply; without a command, query-status. Events that
 * arrive meanwhile go to standard error. The exit code is 1 when the command fails, or there is no monitor.
 */
export async function run(args: readonly string[], { stdout, stderr }: CommandIo): Promise<number> {
  const [address, command = 'query-status', json, ...rest] = args;
  if (address === undefined || rest.length > 0) {
    stderr.write(USAGE);
    return 1;
  }
  let client: QmpClient | undefined;
  try {
    const parameters = json === undefined ? undefined : parseArguments(json);
    client = await QmpClient.connect(address, { native });
    const events = printEvents(client, stderr);
    const reply = await client.execute(command, parameters);
    stdout.write(`${stringify((reply ?? {}) as JsonValue, { pretty: true })}\n`);
    await client.close();
    await events;
    return 0;
  } catch (error) {
    await client?.close();
    const kind = error instanceof QmpCommandError ? `${error.errorClass}: ` : '';
    stderr.write(`godwit qmp: ${kind}${(error as Error).message}\n`);
    return 1;
  }
}

/** One line for each event, as it came over the wire. */
async function printEvents(client: QmpClient, stderr: CommandIo['stderr']): Promise<void> {
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
  const value = parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof JsonDouble) {
    throw new JsonError('the arguments must be a JSON object');
  }
  return value;
}
