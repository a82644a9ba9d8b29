import { type CloseDescriptor, closeDescriptor } from '../descriptors/close.js';

/** What a session may use. */
export interface SessionLimits {
  /** Bytes of output that wait for a client at which its further requests are left unread, until it has taken some. */
  readonly outputHighWater: number;
  /** Bytes of output beyond which events, which nobody asks for, get the client disconnected. */
  readonly outputLimit: number;
  readonly closeDescriptor: CloseDescriptor;
}

export const defaultSessionLimits: SessionLimits = {
  outputHighWater: 1 << 20,
  outputLimit: 16 << 20,
  closeDescriptor,
};
