import { type Clock, SystemClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import { createModel, type ModelledDevice } from '@godwit/vfio';
import {
  type Attachment,
  modelFunction,
  type ServedFunction,
  VfioUserClient,
  type VfioUserClientOptions,
  VfioUserServer,
  type VfioUserServerEvents,
} from '../src/index.js';

/** For `test(name, needsAddon, …)`: skips with the reason where the addon is not there. */
export const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

/** The addon, in a test that {@link needsAddon}. */
export const addon = native!;

export interface ServeOptions {
  readonly clock?: Clock;
  readonly events?: VfioUserServerEvents;
  readonly client?: Partial<VfioUserClientOptions>;
}

export interface Served {
  readonly server: VfioUserServer;
  readonly client: VfioUserClient;
  /** Ends both, and waits until their descriptors are closed. */
  close(): Promise<void>;
}

/** A server and its client, over a pair of sockets in this thread. */
export async function serve(
  create: (attachment: Attachment) => ServedFunction,
  options: ServeOptions = {},
): Promise<Served> {
  const clock = options.clock ?? new SystemClock();
  const server = new VfioUserServer({
    native: addon,
    clock,
    create,
    ...(options.events && { events: options.events }),
  });
  const [a, b] = addon.socketpair();
  server.accept(a);
  const client = await VfioUserClient.connect(b, { native: addon, clock, ...options.client });
  const close = async () => {
    client.close();
    server.close();
    server.device.migration?.close();
    await turns();
  };
  return { server, client, close };
}

/** A model of `@godwit/vfio` that is served, with its client. */
export async function serveModel(
  name: string,
  properties: Record<string, string | number | boolean> = {},
  options: ServeOptions = {},
): Promise<Served & { readonly model: ModelledDevice }> {
  let model: ModelledDevice | undefined;
  const served = await serve(({ memory }) => {
    model = createModel(name, properties, {
      clock: options.clock ?? new SystemClock(),
      memory,
      random: () => 0.5,
    });
    return modelFunction(model);
  }, options);
  return { ...served, model: model! };
}

/** A few turns of the event loop: enough for what both sides have sent to arrive. */
export async function turns(count = 8): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
