import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { memorySaveCommands } from '../commands/memory-save.js';
import type { Machine } from '../machine.js';
import { type MonitorArguments, type MonitorCommand, type MonitorContext, quietly } from './command.js';
import { formatLine, lineLength, printNumber } from './dump-format.js';
import { MonitorError } from './monitor-error.js';

/** A dump is never longer than this many bytes. */
const MAX_DUMP = 1 << 20;
/** Bytes of a checksum between two turns of others. */
const SUM_PIECE = 1 << 22;
/** A rotation of a 16-bit word repeats after so many steps. */
const SUM_BITS = 16;

/** Memory and numbers. */
export const MEMORY_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'memsave',
    arguments: [
      { name: 'val', kind: 'expression' },
      { name: 'size', kind: 'integer' },
      { name: 'filename', kind: 'string' },
    ],
    usage: 'addr size file',
    help: "save to disk virtual memory dump starting at 'addr' of size 'size'",
    run: (args, context) =>
      quietly(
        memorySaveCommands.memsave({ ...fileOf(args), 'cpu-index': BigInt(context.cpuIndex) }, context),
      ),
  },
  {
    name: 'pmemsave',
    arguments: [
      { name: 'val', kind: 'expression' },
      { name: 'size', kind: 'integer' },
      { name: 'filename', kind: 'string' },
    ],
    usage: 'addr size file',
    help: "save to disk physical memory dump starting at 'addr' of size 'size'",
    run: (args, context) => quietly(memorySaveCommands.pmemsave(fileOf(args), context)),
  },
  {
    name: 'print',
    alias: 'p',
    arguments: [
      { name: 'fmt', kind: 'format' },
      { name: 'val', kind: 'expression' },
    ],
    usage: '/fmt expr',
    help: 'print expression value (use $reg for CPU register access)',
    run: (args) => `${printNumber(args.number('val'), args.format('fmt').format)}\n`,
  },
  {
    name: 'sum',
    arguments: [
      { name: 'start', kind: 'integer' },
      { name: 'size', kind: 'integer' },
    ],
    usage: 'addr size',
    help: 'compute the checksum of a memory region',
    run: async (args, { machine }) => {
      const sum = await checksum(machine, Number(args.number('start')), Number(args.number('size')));
      return `${String(sum).padStart(5, '0')}\n`;
    },
  },
  {
    name: 'x',
    arguments: [
      { name: 'fmt', kind: 'format' },
      { name: 'addr', kind: 'expression' },
    ],
    usage: '/fmt addr',
    help: "virtual memory dump starting at 'addr'",
    run: dump,
  },
  {
    name: 'xp',
    arguments: [
      { name: 'fmt', kind: 'format' },
      { name: 'addr', kind: 'expression' },
    ],
    usage: '/fmt addr',
    help: "physical memory dump starting at 'addr'",
    run: dump,
  },
];

function fileOf(args: MonitorArguments): { val: bigint; size: bigint; filename: string } {
  return { val: args.number('val'), size: args.number('size'), filename: args.text('filename') };
}

/** Guest memory as `x` and `xp` print it; the embedded guest's addresses are physical ones. */
function dump(args: MonitorArguments, { machine }: MonitorContext): string {
  const { count, format, size } = args.format('fmt');
  const start = BigInt.asUintN(64, args.number('addr'));
  if (format === 'i') return `0x${hex(start, 8)}: Asm output not supported on this arch\n`;
  const length = size * count;
  if (length > MAX_DUMP) throw new MonitorError(`at most ${MAX_DUMP} bytes can be shown at once`);
  const lines: string[] = [];
  for (let done = 0; done < length; done += lineLength(size)) {
    const address = BigInt.asUintN(64, start + BigInt(done));
    const bytes = readMemory(machine, address, Math.min(lineLength(size), length - done));
    const label = `${hex(address, 16)}:`;
    if (bytes === undefined) return `${lines.join('')}${label} Cannot access memory\n`;
    lines.push(`${label}${formatLine(bytes, format, size)}\n`);
  }
  return lines.join('');
}

/** Undefined where there is no RAM. */
function readMemory({ hardware }: Machine, address: bigint, length: number): Uint8Array | undefined {
  if (address + BigInt(length) > BigInt(hardware.memory.size)) return undefined;
  const bytes = new Uint8Array(length);
  hardware.dma.read(Number(address), bytes);
  return bytes;
}

/** The checksum of BSD's `sum`; what is no RAM reads as zeros. */
async function checksum({ hardware }: Machine, start: number, size: number): Promise<number> {
  let sum = 0;
  const end = Math.max(start, Math.min(start + size, hardware.memory.size));
  for (let at = start; at < end; at += SUM_PIECE) {
    const piece = new Uint8Array(Math.min(SUM_PIECE, end - at));
    hardware.dma.read(at, piece);
    for (const byte of piece) sum = (rotated(sum) + byte) & 0xffff;
    await yieldToOthers();
  }
  const zeros = size - (end - start);
  for (let left = zeros % SUM_BITS; left > 0; left--) sum = rotated(sum);
  return sum;
}

function rotated(sum: number): number {
  return ((sum >> 1) | (sum << 15)) & 0xffff;
}

function hex(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
