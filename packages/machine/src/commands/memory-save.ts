import { type FileHandle, open } from 'node:fs/promises';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { Hardware } from '../hardware.js';
import type { CommandHandlers } from './command-call.js';

/** Bytes that are read and written at once. */
const PIECE = 1 << 20;

export const memorySaveCommands = {
  memsave: async ({ val, size, filename, 'cpu-index': cpu = 0n }, { machine: { hardware } }) => {
    if (hardware.accelerator.vcpus[Number(cpu)] === undefined) {
      throw new QapiError('GenericError', "Parameter 'cpu-index' expects a CPU number");
    }
    checkSize(size);
    const start = BigInt.asUintN(64, val);
    const present = start + size <= BigInt(hardware.memory.size);
    await writeFile(filename, async (file) => {
      if (!present) {
        const address = start.toString(16).padStart(16, '0');
        throw new QapiError('GenericError', `Invalid addr 0x${address}/size ${size} specified`);
      }
      await save(file, hardware, Number(start), Number(size));
    });
  },

  pmemsave: async ({ val, size, filename }, { machine: { hardware } }) => {
    checkSize(size);
    const start = BigInt.asUintN(64, val);
    const left = BigInt(hardware.memory.size) - start;
    const present = left < 0n ? 0n : left < size ? left : size;
    await writeFile(filename, async (file) => {
      await save(file, hardware, Number(start), Number(present));
      // What is no RAM reads as zeros, which need not be written.
      await file.truncate(Number(size));
    });
  },
} satisfies Partial<CommandHandlers>;

/** @throws QapiError */
function checkSize(size: bigint): void {
  if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new QapiError('GenericError', `Parameter 'size' expects a number of bytes`);
  }
}

/** @throws QapiError when the file cannot be opened or written */
async function writeFile(filename: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(filename, 'w');
  } catch (cause) {
    throw new QapiError('GenericError', `Could not open '${filename}': ${systemReason(cause)}`, { cause });
  }
  try {
    await write(file);
  } catch (cause) {
    if (cause instanceof QapiError) throw cause;
    throw new QapiError('GenericError', 'An IO error has occurred', { cause });
  } finally {
    await file.close();
  }
}

async function save(file: FileHandle, { dma }: Hardware, start: number, size: number): Promise<void> {
  const piece = new Uint8Array(Math.min(PIECE, size));
  for (let done = 0; done < size; done += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, size - done));
    dma.read(start + done, part);
    for (let at = 0; at < part.length; ) at += (await file.write(part, at)).bytesWritten;
  }
}
