import { Command } from '../protocol/messages.js';
import { regionRead, regionWrite, regionWriteMulti, reset, setIrqs } from './access-commands.js';
import { dmaMap, dmaUnmap } from './dma-commands.js';
import { getInfo, getIrqInfo, getRegionInfo, getRegionIoFds } from './information-commands.js';
import { deviceFeature, migrationDataRead, migrationDataWrite } from './migration-commands.js';
import type { CommandHandler } from './session.js';

/** What a client may send once the version is negotiated. */
export const COMMANDS: ReadonlyMap<number, CommandHandler> = new Map<number, CommandHandler>([
  [Command.DMA_MAP, dmaMap],
  [Command.DMA_UNMAP, dmaUnmap],
  [Command.DEVICE_GET_INFO, getInfo],
  [Command.DEVICE_GET_REGION_INFO, getRegionInfo],
  [Command.DEVICE_GET_REGION_IO_FDS, getRegionIoFds],
  [Command.DEVICE_GET_IRQ_INFO, getIrqInfo],
  [Command.DEVICE_SET_IRQS, setIrqs],
  [Command.REGION_READ, regionRead],
  [Command.REGION_WRITE, regionWrite],
  [Command.DEVICE_RESET, reset],
  [Command.REGION_WRITE_MULTI, regionWriteMulti],
  [Command.DEVICE_FEATURE, deviceFeature],
  [Command.MIG_DATA_READ, migrationDataRead],
  [Command.MIG_DATA_WRITE, migrationDataWrite],
]);
