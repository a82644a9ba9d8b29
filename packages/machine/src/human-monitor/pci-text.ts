import type { DeviceConfigWindow, VfioDevice } from '../devices/index.js';
import type { MonitorContext } from './command.js';

/** Bytes of the standard header of a configuration space. */
const HEADER_BYTES = 64;

/** Offsets in it (PCI Local Bus Specification 3.0, 6.1). */
const Header = {
  VENDOR: 0x00,
  DEVICE: 0x02,
  CLASS: 0x0a,
  SUBSYSTEM_VENDOR: 0x2c,
  SUBSYSTEM: 0x2e,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
} as const;

/** Classes of devices that models and servers have, as QEMU names them. */
const CLASSES: Readonly<Record<number, string>> = {
  256: 'SCSI controller',
  384: 'Storage controller',
  512: 'Ethernet controller',
  640: 'Network controller',
  768: 'VGA controller',
  770: '3D controller',
  896: 'Display controller',
  1280: 'RAM controller',
  1408: 'Memory controller',
};

/** What `info pci` shows: the devices in the order in which they came, each with a slot of its own. */
export async function pciText({ machine: { hardware } }: MonitorContext): Promise<string> {
  const windows = hardware.bus.ranges('mmio');
  const texts = hardware.devices.map(async (device, slot) => {
    if (device.config === undefined) return '';
    const header = await readHeader(device.config);
    return `  Bus  0, device ${String(slot).padStart(3)}, function 0:\n${deviceText(device, header, windows)}`;
  });
  return (await Promise.all(texts)).join('');
}

async function readHeader(config: DeviceConfigWindow): Promise<Buffer> {
  const header = Buffer.alloc(HEADER_BYTES);
  await config.read(0, header);
  return header;
}

function deviceText(
  device: VfioDevice,
  header: Buffer,
  windows: readonly { readonly base: number; readonly size: number; readonly name: string }[],
): string {
  const word = (offset: number): string => header.readUInt16LE(offset).toString(16).padStart(4, '0');
  const code = header.readUInt16LE(Header.CLASS);
  const pin = header[Header.INTERRUPT_PIN]!;
  const lines = [
    `    ${CLASSES[code] ?? `Class ${String(code).padStart(4, '0')}`}: PCI device ${word(Header.VENDOR)}:${word(Header.DEVICE)}`,
    `      PCI subsystem ${word(Header.SUBSYSTEM_VENDOR)}:${word(Header.SUBSYSTEM)}`,
  ];
  if (pin > 0) {
    const letter = String.fromCharCode('A'.charCodeAt(0) + pin - 1);
    lines.push(`      IRQ ${header[Header.INTERRUPT_LINE]}, pin ${letter}`);
  }
  device.regions.forEach(({ name }, index) => {
    const window = windows.find((each) => each.name === `${device.path}/${name}`);
    if (window === undefined) return;
    const [first, last] = [window.base, window.base + window.size - 1].map(
      (address) => `0x${address.toString(16).padStart(8, '0')}`,
    );
    const bar = /^bar(\d)$/i.exec(name)?.[1] ?? index;
    lines.push(`      BAR${bar}: 64 bit memory at ${first} [${last}].`);
  });
  lines.push(`      id "${device.id}"`, '');
  return lines.join('\n');
}
