export type { Native, Poll } from './api.js';
