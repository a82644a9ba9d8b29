import type { ModelDefinition } from '../../model/definition.js';
import { BLOCK_SIZE } from '../../model/device-memory.js';
import { GpuLogic } from './logic.js';
import { GPU_REGISTERS, type GpuRegister } from './registers.js';

export const gpu: ModelDefinition<GpuRegister> = {
  name: 'gpu',
  description: 'an accelerator with much memory, a part of which is an aperture for the guest',
  flags: { p2p: true, preCopy: true },
  stateSize: 256 * 2 ** 20,
  pci: { vendorId: 0x1b36, deviceId: 0x0101, classCode: 0x120000 },
  registers: GPU_REGISTERS,
  properties: [
    {
      name: 'aperture-size',
      type: 'size',
      default: 64 * 1024,
      multiple: BLOCK_SIZE,
      atMost: 'state-size',
      description: 'bytes of device memory that the guest reads and writes',
    },
  ],
  guestMemory: (properties) => properties.number('aperture-size'),
  create: (parts) => new GpuLogic(parts),
};
