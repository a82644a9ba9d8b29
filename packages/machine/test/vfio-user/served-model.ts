import assert from 'node:assert/strict';
import type { Clock } from '@godwit/clock';
import { type Native, native } from '@godwit/native';
import { createModel, type ModelledDevice, type PropertyValue } from '@godwit/vfio';
import { modelFunction, PciFunction, type ServedRegion, VfioUserServer } from '@godwit/vfio-user';

export interface ServedModel {
  readonly model: ModelledDevice;
  /** A client is there; the next one is let in when the server has seen it go. */
  connected(): boolean;
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
  /** Counts what the server is asked, and has it leave after so many messages. */
  readonly leaveAfter?: number;
  /** Takes the place of the accesses to the registers. */
  readonly registers?: (region: ServedRegion) => ServedRegion;
}

/** Serves a device model at a socket, as `godwit device serve` does in a process of its own. */
export function serveModel(path: string, clock: Clock, options: ServedModelOptions = {}): ServedModel {
  const { properties = {}, interrupt = 'msix', migration = true, registers = (region) => region } = options;
  assert.ok(native !== undefined);
  let model: ModelledDevice | undefined;
  let left = options.leaveAfter ?? Number.POSITIVE_INFINITY;
  const counting: Native = Object.create(native, {
    receive: {
      value: (...args: Parameters<Native['receive']>) => {
        if (--left === 0) queueMicrotask(() => server.close());
        return native!.receive(...args);
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
  return { model, connected: () => server.connected, close: () => server.close() };
}

/** `-device vfio-user-pci` with the id `r`. */
export const remote = (path: string, properties = {}) => ({
  type: 'vfio-user-pci',
  id: 'r',
  properties: { socket: { type: 'unix', path }, 'migration-events': true, ...properties },
});
