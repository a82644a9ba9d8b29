import { createDecipheriv } from 'node:crypto';
import type { JsonValue } from '@godwit/json';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import { ConfiguredObject, type SettingTable } from './settings.js';
import { readSmallFile } from './small-file.js';

export const SECRET_SETTINGS = {
  iv: { type: 'string', default: '' },
  keyid: { type: 'string', default: '' },
  format: { type: 'QCryptoSecretFormat', values: ['raw', 'base64'], default: 'raw' },
  file: { type: 'string', default: '' },
  data: { type: 'string', default: '' },
} as const satisfies SettingTable;

/** Bytes of a key, of a block and of an initialization vector of AES-256-CBC. */
const KEY_LENGTH = 32;
const BLOCK_LENGTH = 16;

/** A password or a key (-object secret). */
export class Secret extends ConfiguredObject<typeof SECRET_SETTINGS> {
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * @param find the secret of that name, which this one may be encrypted with
   * @throws QapiError
   */
  static async create(
    given: Readonly<Record<string, JsonValue>>,
    find: (id: string) => Secret,
  ): Promise<Secret> {
    const secret = new Secret('secret', SECRET_SETTINGS, given);
    const { data, file } = given;
    if (data !== undefined && file !== undefined) throw failure("'file' and 'data' are mutually exclusive");
    if (data === undefined && file === undefined) throw failure("Either 'file' or 'data' must be provided");
    const written = file === undefined ? Buffer.from(secret.setting('data')) : await contents(String(file));
    const bytes = secret.setting('format') === 'base64' ? fromBase64(written.toString('latin1')) : written;
    const keyId = secret.setting('keyid');
    secret.#bytes = keyId === '' ? bytes : decrypted(bytes, find(keyId).bytes, secret.setting('iv'));
    return secret;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** @throws QapiError when it is no text */
  get text(): string {
    const text = this.#bytes.toString('utf8');
    if (Buffer.from(text).equals(this.#bytes)) return text;
    throw failure(`Data from secret ${this.name} is not valid UTF-8`);
  }

  async close(): Promise<void> {
    this.#bytes.fill(0);
  }
}

async function contents(path: string): Promise<Buffer> {
  try {
    return await readSmallFile(path);
  } catch (error) {
    throw failure(`Unable to read ${path}: Failed to open file “${path}”: ${systemReason(error)}`);
  }
}

function fromBase64(text: string): Buffer {
  if (!/^[A-Za-z0-9+/=\n]*$/.test(text)) throw failure('Base64 data contains invalid characters');
  return Buffer.from(text, 'base64');
}

function decrypted(bytes: Buffer, key: Uint8Array, ivText: string): Buffer {
  if (key.length !== KEY_LENGTH) throw failure(`Key should be ${KEY_LENGTH} bytes in length`);
  if (ivText === '') throw failure('IV is required to decrypt secret');
  const iv = fromBase64(ivText);
  if (iv.length !== BLOCK_LENGTH) {
    throw failure(`IV should be ${BLOCK_LENGTH} bytes in length not ${iv.length}`);
  }
  if (bytes.length % BLOCK_LENGTH !== 0) {
    throw failure(`Length ${bytes.length} must be a multiple of block size ${BLOCK_LENGTH}`);
  }
  const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(bytes), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding === 0 || padding > BLOCK_LENGTH) {
    throw failure(`Incorrect number of padding bytes (${padding}) found on decrypted data`);
  }
  return padded.subarray(0, padded.length - padding);
}

function failure(message: string): QapiError {
  return new QapiError('GenericError', message);
}
