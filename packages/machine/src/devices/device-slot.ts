import type { DmaMemory } from '@godwit/vfio/contract';
import type { GuestDevice } from '../guest/index.js';
import type { Bus } from '../memory/index.js';
import type { DeviceWindow, VfioDevice } from './vfio-device.js';

/** What a slot connects a device to. */
export interface SlotHost {
  readonly bus: Bus;
  readonly memory: DmaMemory;
  /** The device whose first window is at `address` has raised its interrupt. */
  readonly interrupt: (address: number) => void;
}

/** Where the guest looks for a device that is not plugged in: nobody answers there. */
const EMPTY: GuestDevice = { address: -1 };

/** The place of a device in a machine: its windows on the bus, its DMA and its interrupt. */
export class DeviceSlot {
  readonly device: VfioDevice;
  readonly #host: SlotHost;
  readonly #detach: (() => void)[] = [];
  #window: GuestDevice | undefined = EMPTY;

  constructor(device: VfioDevice, host: SlotHost) {
    this.device = device;
    this.#host = host;
  }

  /** Where the guest finds the device; undefined for one without a window. */
  get window(): GuestDevice | undefined {
    return this.#window;
  }

  plug(): void {
    const { device } = this;
    const { memory, interrupt } = this.#host;
    const [address] = device.regions.map((region) => this.#attach(region));
    const config = device.config && this.#attach(device.config);
    this.#window = address === undefined ? undefined : { address, ...(config !== undefined && { config }) };
    device.wiring.connect({
      memory,
      interrupt: () => {
        if (address !== undefined) interrupt(address);
      },
    });
  }

  /** The guest finds nothing there any more. Idempotent. */
  unplug(): void {
    for (const detach of this.#detach.splice(0)) detach();
    this.#window = EMPTY;
    this.device.wiring.connect(undefined);
  }

  #attach(window: DeviceWindow): number {
    const { bus } = this.#host;
    const base = bus.place(window.size);
    this.#detach.push(bus.attach('mmio', base, window.size, window, `${this.device.path}/${window.name}`));
    return base;
  }
}
