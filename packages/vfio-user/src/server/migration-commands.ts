import {
  DEVICE_STATES,
  type DeviceState,
  flagBits,
  isSaving,
  type MigratableDevice,
  VfioError,
} from '@godwit/vfio';
import {
  FEATURE,
  FEATURE_DATA_SIZE,
  FEATURE_DEVICE_STATE,
  FEATURE_LOGGING_REPORT,
  FEATURE_LOGGING_START,
  FEATURE_MIGRATION,
  Feature,
  FeatureFlag,
  LOGGING_RANGE,
  MIG_DATA,
  NO_DATA_FD,
} from '../protocol/messages.js';
import { takeDirtyBitmap } from './dirty-bitmap.js';
import type { CommandHandler, Session } from './session.js';

/** What "all writes" means to a logger of ranges: all addresses that a page-aligned number can hold. */
const EVERYTHING = { iova: 0, length: 2 ** 52 };

interface FeatureHandler {
  /** Returns the data of the reply. */
  get?(session: Session, data: Buffer): Buffer | Promise<Buffer>;
  set?(session: Session, data: Buffer): Buffer | Promise<Buffer>;
  /** Without a device that migrates the feature does not exist. */
  readonly migration?: boolean;
}

const FEATURES: ReadonlyMap<number, FeatureHandler> = new Map<number, FeatureHandler>([
  [
    Feature.MIGRATION,
    {
      migration: true,
      get: (session) => FEATURE_MIGRATION.encode({ flags: flagBits(migration(session).flags) }),
    },
  ],
  [
    Feature.MIG_DEVICE_STATE,
    {
      migration: true,
      get: (session) => {
        const { state } = migration(session);
        return FEATURE_DEVICE_STATE.encode({ state, dataFd: NO_DATA_FD });
      },
      set: async (session, data) => {
        const { state } = FEATURE_DEVICE_STATE.read(data);
        if (!isState(state)) throw new VfioError('EINVAL', `there is no device state ${state}`);
        await migration(session).setState(state);
        return data;
      },
    },
  ],
  [
    Feature.DMA_LOGGING_START,
    {
      set: async ({ dma }, data) => {
        const { pageSize, ranges } = FEATURE_LOGGING_START.read(data);
        if (data.length !== FEATURE_LOGGING_START.size + ranges * LOGGING_RANGE.size) {
          throw new VfioError('EINVAL', `${ranges} ranges do not have ${data.length} bytes`);
        }
        const given = Array.from({ length: ranges }, (_, index) =>
          LOGGING_RANGE.read(data, FEATURE_LOGGING_START.size + index * LOGGING_RANGE.size),
        );
        await dma.logger.start(ranges === 0 ? [EVERYTHING] : given, pageSize);
        return data;
      },
    },
  ],
  [
    Feature.DMA_LOGGING_STOP,
    {
      set: async ({ dma }, data) => {
        await dma.logger.stop();
        return data;
      },
    },
  ],
  [
    Feature.DMA_LOGGING_REPORT,
    {
      get: async (session, data) => {
        const report = FEATURE_LOGGING_REPORT.read(data);
        const bitmap = await takeDirtyBitmap(session, report.iova, report.length, report.pageSize);
        return Buffer.concat([FEATURE_LOGGING_REPORT.encode(report), bitmap]);
      },
    },
  ],
  [
    Feature.MIG_DATA_SIZE,
    {
      migration: true,
      get: async (session) =>
        FEATURE_DATA_SIZE.encode({ stopCopyLength: await migration(session).dataSize() }),
    },
  ],
]);

function migration({ device }: Session): MigratableDevice {
  if (device.migration === undefined) throw new VfioError('EOPNOTSUPP', 'the device does not migrate');
  return device.migration;
}

function isState(state: number): state is DeviceState {
  return (DEVICE_STATES as readonly number[]).includes(state);
}

export const deviceFeature: CommandHandler = async (session, message) => {
  const { argsz, flags } = FEATURE.read(message.payload);
  const data = message.payload.subarray(FEATURE.size);
  const feature = FEATURES.get(flags & FeatureFlag.INDEX_MASK);
  const get = (flags & FeatureFlag.GET) !== 0;
  const set = (flags & FeatureFlag.SET) !== 0;
  const probe = (flags & FeatureFlag.PROBE) !== 0;
  if (feature === undefined || (feature.migration && session.device.migration === undefined)) {
    throw new VfioError('ENOTTY', `the feature ${flags & FeatureFlag.INDEX_MASK} is not supported`);
  }
  if ((get && feature.get === undefined) || (set && feature.set === undefined)) {
    throw new VfioError('EINVAL', 'the feature cannot be used so');
  }
  if (probe) {
    session.connection.reply(message, [FEATURE.encode({ argsz, flags }), data]);
    return;
  }
  if (get === set) throw new VfioError('EINVAL', 'a feature is got, set or probed');
  const answer = await (get ? feature.get!(session, data) : feature.set!(session, data));
  const full = FEATURE.size + answer.length;
  if (set) session.connection.reply(message, [FEATURE.encode({ argsz, flags }), answer]);
  else if (argsz < full) session.connection.reply(message, [FEATURE.encode({ argsz: full, flags })]);
  else session.connection.reply(message, [FEATURE.encode({ argsz: full, flags }), answer]);
};

export const migrationDataRead: CommandHandler = async (session, message) => {
  const { size } = MIG_DATA.read(message.payload);
  const device = migration(session);
  checkTransfer(session, size);
  if (size > session.peer.maxDataTransferSize) {
    throw new VfioError('EINVAL', `the client takes no ${size} bytes at once`);
  }
  if (!isSaving(device.state)) throw new VfioError('EINVAL', 'no data stream is open for reading');
  const bytes = session.scratch(MIG_DATA.size + size);
  let length = 0;
  // Fewer bytes than asked for mean that there are no more, so a short read of the device is no answer yet.
  while (length < size) {
    const read = await device.readData(bytes.subarray(MIG_DATA.size + length));
    if (read.kind !== 'data') break;
    length += read.length;
  }
  MIG_DATA.write(bytes, { argsz: MIG_DATA.size + length, size: length });
  // libvfio-user replies with as many bytes as were asked for, and its clients take nothing shorter.
  bytes.fill(0, MIG_DATA.size + length);
  session.connection.reply(message, [bytes]);
};

export const migrationDataWrite: CommandHandler = async (session, message) => {
  const { size } = MIG_DATA.read(message.payload);
  const data = message.payload.subarray(MIG_DATA.size);
  checkTransfer(session, size);
  if (data.length !== size) throw new VfioError('EINVAL', `${size} bytes of data come as ${data.length}`);
  await migration(session).writeData(data);
  session.connection.reply(message, []);
};

function checkTransfer({ own }: Session, size: number): void {
  if (size > own.maxDataTransferSize)
    throw new VfioError('EINVAL', `a transfer of ${size} bytes is too large`);
}
