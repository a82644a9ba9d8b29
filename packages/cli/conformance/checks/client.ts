import assert from 'node:assert/strict';
import { clientCodec } from '@godwit/qapi/runtime';
import { QmpClient, type QmpClientOptions, QmpCommandError } from '@godwit/qmp';
import { type Commands, type Events, protocol } from './protocol.js';
import type { Seen, Server, Stage } from './stage.js';

export type Client = QmpClient<Commands, Events>;

/** No reply and no event takes that long, unless something is wrong. */
const limitMs = 60_000;

/** Connects to a monitor of a server, typed by the protocol. */
export function connect(
  { native, seen }: Stage,
  server: Server,
  options: QmpClientOptions<Commands, Events> & { readonly monitor?: 0 | 1 } = {},
): Promise<Client> {
  const address = `unix:${server.monitors[options.monitor ?? 0]}`;
  return QmpClient.connect(address, { native, protocol: recorded(seen), timeoutMs: limitMs, ...options });
}

/** Runs `use` with a client of the stage's own server. */
export function withClient(use: (client: Client, stage: Stage) => Promise<void>) {
  return async (stage: Stage): Promise<void> => {
    const client = await connect(stage, stage.server);
    try {
      await use(client, stage);
    } finally {
      await client.close();
    }
  };
}

/** The next event of a name; rejects when it does not come. */
export function next<Name extends keyof Events & string>(
  client: Client,
  name: Name,
  condition: (data: Events[Name]) => boolean = () => true,
): Promise<Events[Name]> {
  const event = client
    .once(name, { condition: ({ data }) => condition(data), signal: AbortSignal.timeout(limitMs) })
    .then(({ data }) => data);
  // A check that fails before it comes to wait for the event has its own error.
  event.catch(() => {});
  return event;
}

/** Expects a command to be refused by the server. */
export async function refused(reply: Promise<unknown>, message: RegExp, errorClass = 'GenericError') {
  await assert.rejects(reply, (error: QmpCommandError) => {
    assert(error instanceof QmpCommandError, String(error));
    assert.match(error.message, message);
    assert.equal(error.errorClass, errorClass);
    return true;
  });
}

/** The codec of the protocol, which notes what passes through it. */
function recorded(seen: Seen) {
  const codec = clientCodec<Commands, Events>(protocol);
  return {
    ...codec,
    encodeArguments: (command: string, args: unknown) => {
      seen.commands.add(command);
      return codec.encodeArguments(command, args);
    },
    decodeEvent: (...[event, data]: Parameters<typeof codec.decodeEvent>) => {
      seen.events.add(event);
      try {
        return codec.decodeEvent(event, data);
      } catch (error) {
        seen.mismatches.push(`${event}: ${(error as Error).message}`);
        throw error;
      }
    },
  };
}
