export type { Transport, TransportHandler } from './transport.js';
