import type { ModelDefinition } from '../../model/definition.js';
import { BLOCK_SIZE } from '../../model/device-memory.js';
import { BlockLogic } from './logic.js';
import { BLOCK_REGISTERS, type BlockRegister } from './registers.js';

export const block: ModelDefinition<BlockRegister> = {
  name: 'block',
  description: 'a disk; offers STOP_COPY only',
  flags: { p2p: false, preCopy: false },
  stateSize: 16 * 2 ** 20,
  pci: { vendorId: 0x1b36, deviceId: 0x0102, classCode: 0x018000 },
  registers: BLOCK_REGISTERS,
  properties: [
    {
      name: 'capacity',
      type: 'size',
      default: 64 * 1024,
      multiple: BLOCK_SIZE,
      atMost: 'state-size',
      description: 'bytes of the disk',
    },
  ],
  guestMemory: (properties) => properties.number('capacity'),
  create: (parts) => new BlockLogic(parts),
};
