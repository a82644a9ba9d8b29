import type { Bus } from '../memory/index.js';
import type { MonitorArguments, MonitorCommand } from './command.js';

const PORTS = 0x10000;

/** Bytes of an access, and the letter that names it. */
const WIDTHS = { 1: 'b', 2: 'w', 4: 'l' } as const;

/** Access to I/O ports, one byte after the other as on a bus of eight bits. */
export const PORT_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'i',
    arguments: [
      { name: 'format', kind: 'format' },
      { name: 'address', kind: 'integer' },
      { name: 'index', kind: 'integer', optional: 'dot' },
    ],
    usage: '/fmt addr',
    help: 'I/O port read',
    run: (args, { machine }) => {
      const { bus } = machine.hardware;
      let port = Number(args.number('address'));
      const index = args.optionalNumber('index');
      if (index !== undefined) {
        writePorts(bus, port, 1, index);
        port++;
      }
      port &= PORTS - 1;
      const width = widthOf(args);
      const value = readPorts(bus, port, width)
        .toString(16)
        .padStart(2 * args.format('format').size, '0');
      return `port${WIDTHS[width]}[0x${port.toString(16).padStart(4, '0')}] = 0x${value}\n`;
    },
  },
  {
    name: 'o',
    arguments: [
      { name: 'format', kind: 'format' },
      { name: 'address', kind: 'integer' },
      { name: 'value', kind: 'integer' },
    ],
    usage: '/fmt addr value',
    help: 'I/O port write',
    run: (args, { machine }) => {
      const port = Number(args.number('address'));
      writePorts(machine.hardware.bus, port, widthOf(args), args.number('value'));
      return '';
    },
  },
];

function widthOf(args: MonitorArguments): keyof typeof WIDTHS {
  const { size } = args.format('format');
  return size === 8 ? 1 : size;
}

function readPorts(bus: Bus, port: number, width: number): number {
  const bytes = Buffer.alloc(width);
  for (let index = 0; index < width; index++) {
    bus.read('port', (port + index) % PORTS, bytes.subarray(index, index + 1));
  }
  return bytes.readUIntLE(0, width);
}

function writePorts(bus: Bus, port: number, width: number, value: bigint): void {
  for (let index = 0; index < width; index++) {
    const byte = Number((value >> BigInt(8 * index)) & 0xffn);
    bus.write('port', (port + index) & (PORTS - 1), Uint8Array.of(byte));
  }
}
