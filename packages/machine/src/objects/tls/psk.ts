import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { SettingTable } from '../settings.js';
import { CREDENTIAL_SETTINGS, TlsCredentials } from './credentials.js';

export const PSK_SETTINGS = {
  ...CREDENTIAL_SETTINGS,
  username: { type: 'string', default: '' },
} as const satisfies SettingTable;

/** What a client calls itself that was told no name. */
const DEFAULT_USERNAME = 'qemu';

/** Those of TLS 1.2 that need no certificate, with forward secrecy first; node:tls offers none of them by itself. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-PSK-CHACHA20-POLY1305',
  'ECDHE-PSK-AES256-CBC-SHA384',
  'ECDHE-PSK-AES128-CBC-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-AES128-GCM-SHA256',
].join(':');

/** Keys that both sides know, by the names of those who have them (-object tls-creds-psk): `keys.psk` in a folder. */
export class PskCredentials extends TlsCredentials<typeof PSK_SETTINGS> {
  #keys: ReadonlyMap<string, Buffer> = new Map();

  /** @throws QapiError or OptionError */
  static async create(given: Readonly<Record<string, JsonValue>>): Promise<PskCredentials> {
    const credentials = new PskCredentials('tls-creds-psk', PSK_SETTINGS, given);
    await credentials.load();
    return credentials;
  }

  async load(): Promise<void> {
    const server = this.endpoint === 'server';
    if (server && this.setting('username') !== '') {
      throw new QapiError('GenericError', 'username should not be set when endpoint=server');
    }
    const { path, text } = await this.requiredFile('keys.psk');
    const keys = new Map<string, Buffer>();
    for (const [, name = '', digits = ''] of text.matchAll(/^([^:\r\n]+):([^\r\n]*)\r?$/gm)) {
      if (/^(?:[0-9a-f]{2})+$/i.test(digits)) keys.set(name, Buffer.from(digits, 'hex'));
      else if (!server && name === this.#username) {
        throw new QapiError('GenericError', 'Cannot set PSK client credentials: Error in parsing.');
      }
    }
    if (!server && !keys.has(this.#username)) {
      throw new QapiError('GenericError', `Username ${this.#username} not found in PSK file ${path}`);
    }
    this.#keys = keys;
  }

  protected serverMaterial(): TlsOptions {
    return {
      ciphers: CIPHERS,
      requestCert: false,
      pskCallback: (_socket, identity) => this.#keys.get(identity) ?? null,
    };
  }

  protected clientMaterial(): ConnectionOptions {
    const identity = this.#username;
    return {
      ciphers: CIPHERS,
      // Who knows the key needs no certificate.
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ identity, psk: this.#keys.get(identity)! }),
    };
  }

  get #username(): string {
    return this.setting('username') || DEFAULT_USERNAME;
  }
}
