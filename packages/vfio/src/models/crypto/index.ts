import type { ModelDefinition } from '../../model/definition.js';
import { CryptoLogic } from './logic.js';
import { CRYPTO_REGISTERS, type CryptoRegister } from './registers.js';

export const crypto: ModelDefinition<CryptoRegister> = {
  name: 'crypto',
  description: 'a digest engine with a secret key; offers STOP_COPY and P2P',
  flags: { p2p: true, preCopy: false },
  stateSize: 1024 * 1024,
  pci: { vendorId: 0x1b36, deviceId: 0x0103, classCode: 0x108000 },
  registers: CRYPTO_REGISTERS,
  properties: [],
  guestMemory: () => 0,
  create: (parts) => new CryptoLogic(parts),
};
