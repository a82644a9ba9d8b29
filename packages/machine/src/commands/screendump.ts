import { once } from 'node:events';
import { QapiError } from '@godwit/qapi/runtime';
import { openToWrite } from '../chardev/open-file.js';
import type { Machine } from '../machine.js';
import type { CommandHandlers } from './command-call.js';

export const screendumpCommands = {
  screendump: async ({ filename, device, head, format = 'ppm' }, { machine }) => {
    if (device !== undefined) checkDisplay(device, head ?? 0n, machine);
    else if (head !== undefined) {
      throw new QapiError('GenericError', "'head' must be specified together with 'device'");
    }
    const image = await takePicture(machine, format);
    const file = await openToWrite(filename, false, machine.fdSets).catch((error: Error) => {
      throw new QapiError('GenericError', fileProblem(filename, error), { cause: error });
    });
    file.end(image);
    await once(file, 'close');
  },
} satisfies Partial<CommandHandlers>;

/** @throws QapiError: no device of this machine is a display */
export function checkDisplay(device: string, head: bigint, { tree }: Machine): never {
  const known = ['peripheral', 'peripheral-anon'].some((folder) =>
    tree.machine.children.get(folder)?.children.has(device),
  );
  if (!known) throw new QapiError('DeviceNotFound', `Device '${device}' not found`);
  throw new QapiError('GenericError', `Device ${device} (head ${head}) is not bound to a QemuConsole`);
}

async function takePicture(machine: Machine, format: string): Promise<Uint8Array> {
  // The console and what draws it are loaded when somebody looks.
  const { encodePng, encodePpm } = await import('../console/image.js');
  const { openConsole } = await import('../vnc/machine-console.js');
  const shown = machine.vnc?.console;
  const guestConsole = shown ?? openConsole(machine);
  try {
    guestConsole.refresh();
    return (format === 'png' ? encodePng : encodePpm)(guestConsole.display);
  } finally {
    if (shown === undefined) guestConsole.close();
  }
}

function fileProblem(filename: string, error: Error): string {
  return error.message.replace(`Could not open '${filename}'`, `failed to open file '${filename}'`);
}
