import { QapiError } from '@godwit/qapi/runtime';
import { Keyboard } from '../console/keyboard.js';
import type { KeyValue } from '../generated/index.js';
import type { CommandHandlers } from './command-call.js';
import { checkDisplay } from './screendump.js';

export const inputCommands = {
  'send-key': ({ keys }, { machine }) => {
    // A guest that is stopped sees nothing of it, as with QEMU.
    if (!machine.guest.running) return;
    const names = keys.map(nameOf);
    const { keyboard } = machine.hardware;
    for (const name of names) keyboard.press(name, true);
    for (const name of names.reverse()) keyboard.press(name, false);
  },

  'input-send-event': ({ device, events }, { machine }) => {
    if (device !== undefined) checkDisplay(device, 0n, machine);
    if (!machine.guest.running) throw new QapiError('GenericError', 'VM not running');
    const other = events.find(({ type }) => type !== 'key');
    if (other !== undefined) {
      throw new QapiError('GenericError', `Input handler not found for event type ${other.type}`);
    }
    for (const event of events) {
      if (event.type === 'key') machine.hardware.keyboard.press(nameOf(event.data.key), event.data.down);
    }
  },
} satisfies Partial<CommandHandlers>;

function nameOf(key: KeyValue): string {
  return key.type === 'qcode' ? key.data : (Keyboard.named(Number(key.data)) ?? 'unmapped');
}
