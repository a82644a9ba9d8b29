export type { Authorization } from './authorization.js';
export { IoThread } from './iothread.js';
export { AnonymousCredentials, type TlsCredentials, type TlsEndpoint, X509Credentials } from './tls/index.js';
export { UserObjects, userObjectProperties } from './user-objects.js';
