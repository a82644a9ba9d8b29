export type { Authorization } from './authorization.js';
export { IoThread } from './iothread.js';
export type { TlsCredentials, TlsEndpoint } from './tls/index.js';
export { UserObjects, userObjectProperties } from './user-objects.js';
