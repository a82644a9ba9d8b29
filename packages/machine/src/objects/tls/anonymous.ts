import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { JsonValue } from '@godwit/json';
import { CREDENTIAL_SETTINGS, TlsCredentials } from './credentials.js';

/** Without certificates there is no TLS 1.3, and OpenSSL takes such ciphers only at its lowest level of security. */
const ANONYMOUS: TlsOptions & ConnectionOptions = {
  ciphers: 'ADH-AES256-GCM-SHA384:ADH-AES128-GCM-SHA256:AECDH-AES256-SHA:@SECLEVEL=0',
  maxVersion: 'TLSv1.2',
  rejectUnauthorized: false,
};

/** Privacy towards those who only listen, with nobody's name (-object tls-creds-anon). */
export class AnonymousCredentials extends TlsCredentials {
  /** @throws QapiError or OptionError */
  static async create(given: Readonly<Record<string, JsonValue>>): Promise<AnonymousCredentials> {
    return new AnonymousCredentials('tls-creds-anon', CREDENTIAL_SETTINGS, given);
  }

  async load(): Promise<void> {}

  protected serverMaterial(): TlsOptions {
    return { ...ANONYMOUS, requestCert: false, dhparam: 'auto' };
  }

  protected clientMaterial(): ConnectionOptions {
    return { ...ANONYMOUS, checkServerIdentity: () => undefined };
  }
}
