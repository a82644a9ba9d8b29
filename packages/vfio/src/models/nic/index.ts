import type { ModelDefinition } from '../../model/definition.js';
import { NicLogic } from './logic.js';
import { NIC_REGISTERS, type NicRegister } from './registers.js';

export const nic: ModelDefinition<NicRegister> = {
  name: 'nic',
  description: 'a network card with transmit and receive rings in guest memory',
  flags: { p2p: true, preCopy: true },
  stateSize: 4 * 2 ** 20,
  pci: { vendorId: 0x1b36, deviceId: 0x0100, classCode: 0x020000 },
  registers: NIC_REGISTERS,
  properties: [],
  guestMemory: () => 0,
  create: (parts) => new NicLogic(parts),
};
