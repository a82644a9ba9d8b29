/** The machine's management interface for clients: types, and the protocol as data that decoders work on. */
export { type Commands, type Events, protocol } from './generated/index.js';
export type * from './generated/types.js';
