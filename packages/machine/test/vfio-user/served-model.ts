import assert from 'node:assert/strict';
import type { Clock } from '@godwit/clock';
import { type Native, native } from '@godwit/native';
import { createModel, type ModelledDevice, type PropertyValue } from '@godwit/vfio';
import { modelFunction, PciFunction, type ServedRegion, VfioUserServer } from '@godwit/vfio-user';

export interface ServedModel {
  readonly model: ModelledDevice;
  /** A client is there; the next one is let in when the server has seen it go. */
  connected(): boolean;
  /** The server leaves or hangs once it has looked for a message so often from now on. */
  failAfter(looks: number, kind: 'leaves' | 'hangs'): void;
  /** The server takes no message any more, and does not notice that its client goes. */
  hang(): void;
  /** The server leaves, and its clients are left without it. */
  close(): void;
}

export interface ServedModelOptions {
  readonly model?: string;
  readonly properties?: Readonly<Record<string, PropertyValue>>;
  /** `intx`: the INTx pin is all there is. */
  readonly interrupt?: 'msix' | 'intx';
  /** `false`: the server offers no migration. */
  readonly migration?: boolean;
  /** Has the server leave or hang once it has looked for a message so often. */
  readonly fault?: { readonly after: number; readonly kind: 'leaves' | 'hangs' };
  /** Takes the place of the accesses to the registers. */
  readonly registers?: (region: ServedRegion) => ServedRegion;
}

/** What {@link Native.receive} returns where nothing is there to be received. */
const NOTHING_THERE = -1;

/** Serves a device model at a socket, as `godwit device serve` does in a process of its own. */
export function serveModel(path: string, clock: Clock, options: ServedModelOptions = {}): ServedModel {
  const { properties = {}, interrupt = 'msix', migration = true, registers = (region) => region } = options;
  assert.ok(native !== undefined);
  let model: ModelledDevice | undefined;
  let left = options.fault?.after ?? Number.POSITIVE_INFINITY;
  let kind = options.fault?.kind;
  let hangs = false;
  const counting: Native = Object.create(native, {
    receive: {
      value: (...args: Parameters<Native['receive']>) => {
        if (--left === 0 && kind === 'leaves') queueMicrotask(() => server.close());
        if (left === 0 && kind === 'hangs') hangs = true;
        return hangs ? NOTHING_THERE : native!.receive(...args);
      },
    },
  });
  const server = new VfioUserServer({
    native: counting,
    clock,
    create: ({ memory, interrupts }) => {
      model = createModel(
        options.model ?? 'gpu',
        { 'state-size': 256 * 1024, ...properties },
        { clock, memory, interrupt: () => interrupts.raise(), random: () => 0.5 },
      );
      const { regions } = modelFunction(model);
      return new PciFunction({
        ...model.pci,
        intx: true,
        msix: interrupt === 'msix' ? 1 : 0,
        bars: Object.fromEntries(
          model.regions.map((_, index) => [index, index === 0 ? registers(regions[0]!) : regions[index]!]),
        ),
        ...(migration && { migration: model }),
      });
    },
  });
  server.listen(path);
  assert.ok(model !== undefined);
  return {
    model,
    connected: () => server.connected,
    failAfter: (looks, how) => {
      left = looks;
      kind = how;
    },
    hang: () => {
      hangs = true;
    },
    close: () => server.close(),
  };
}

/** `-device vfio-user-pci` with the id `r`. */
export const remote = (path: string, properties = {}) => ({
  type: 'vfio-user-pci',
  id: 'r',
  properties: { socket: { type: 'unix', path }, 'migration-events': true, ...properties },
});
