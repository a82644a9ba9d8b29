export { AnonymousCredentials } from './anonymous.js';
export { CREDENTIAL_SETTINGS, TlsCredentials, type TlsEndpoint } from './credentials.js';
export { PSK_SETTINGS, PskCredentials } from './psk.js';
export { X509_SETTINGS, X509Credentials } from './x509.js';
