/** What a migration needs and an idle machine does not: loaded when the first one starts. */
export {
  defaultPageDigests,
  defaultRamSharing,
  defaultTimeouts,
  IncomingMigration,
  MAX_MULTIFD_CHANNELS,
  OutgoingMigration,
} from '@godwit/migration';
export { incomingChannel, outgoingChannel } from './channels.js';
