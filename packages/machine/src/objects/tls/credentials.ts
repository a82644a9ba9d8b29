import { join } from 'node:path';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { JsonValue } from '@godwit/json';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import { ConfiguredObject, type SettingTable } from '../settings.js';
import { readSmallFile } from '../small-file.js';
import { versionsOf } from './priority.js';

/** A side of a TLS connection: who listens is the server, who connects the client. */
export type TlsEndpoint = 'server' | 'client';

/** What all TLS credentials can be told. */
export const CREDENTIAL_SETTINGS = {
  endpoint: { type: 'QCryptoTLSCredsEndpoint', values: ['client', 'server'], default: 'client' },
  dir: { type: 'string', default: '' },
  'verify-peer': { type: 'bool', default: true },
  priority: { type: 'string', default: '' },
} as const satisfies SettingTable;

/**
 * Credentials for one side of TLS connections: a user object that sockets name by its id (`tls-creds=ID`). Whoever opens
 * a socket hands {@link serverOptions} or {@link clientOptions} to node:tls, on top of a socket or for one to be made.
 */
export abstract class TlsCredentials<
  T extends typeof CREDENTIAL_SETTINGS & SettingTable = typeof CREDENTIAL_SETTINGS & SettingTable,
> extends ConfiguredObject<T> {
  constructor(typeName: string, table: T, given: Readonly<Record<string, JsonValue>>) {
    super(typeName, table, given);
    versionsOf(this.priority);
  }

  get endpoint(): TlsEndpoint {
    return this.setting('endpoint') as TlsEndpoint;
  }

  /** Whether the other side is to show who it is. */
  get verifiesPeer(): boolean {
    return this.setting('verify-peer') as boolean;
  }

  /** For `tls.createServer` and, with `isServer`, for `new TLSSocket`. */
  serverOptions(): TlsOptions {
    const { verifiesPeer } = this;
    return {
      ...versionsOf(this.priority),
      requestCert: verifiesPeer,
      rejectUnauthorized: verifiesPeer,
      ...this.serverMaterial(),
    };
  }

  /** For `tls.connect`. @param hostname the name or address that the server's certificate must have */
  clientOptions(hostname: string): ConnectionOptions {
    return {
      ...versionsOf(this.priority),
      host: hostname,
      rejectUnauthorized: this.verifiesPeer,
      ...this.clientMaterial(),
    };
  }

  /** Reads the files again, as after certificates were renewed. @throws QapiError, and keeps what it had */
  abstract load(): Promise<void>;

  async close(): Promise<void> {}

  protected get folder(): string {
    return this.setting('dir') as string;
  }

  protected get priority(): string {
    return this.setting('priority') as string;
  }

  protected abstract serverMaterial(): TlsOptions;
  protected abstract clientMaterial(): ConnectionOptions;

  /** @throws QapiError when there is no folder, or the file cannot be read */
  protected async requiredFile(name: string): Promise<CredentialFile> {
    const file = await this.optionalFile(name);
    if (file instanceof CredentialFile) return file;
    if (this.folder === '') throw new QapiError('GenericError', "Missing 'dir' property value");
    throw new QapiError(
      'GenericError',
      `Unable to access credentials ${join(this.folder, name)}: ${systemReason(file)}`,
    );
  }

  /** A file, or why there is none. */
  protected async optionalFile(name: string): Promise<CredentialFile | Error> {
    if (this.folder === '') return new Error('no folder');
    const path = join(this.folder, name);
    try {
      return new CredentialFile(path, (await readSmallFile(path)).toString('latin1'));
    } catch (error) {
      return error as Error;
    }
  }
}

/** A file that credentials were read from. */
export class CredentialFile {
  readonly path: string;
  readonly text: string;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }
}
