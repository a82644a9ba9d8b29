import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type ConnectionOptions, createSecureContext, type TlsOptions } from 'node:tls';
import type { Clock } from '@godwit/clock';
import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { Secret } from '../secret.js';
import type { SettingTable } from '../settings.js';
import { type CertificateList, checkCertificates } from './certificate-check.js';
import { CREDENTIAL_SETTINGS, CredentialFile, TlsCredentials } from './credentials.js';

export const X509_SETTINGS = {
  ...CREDENTIAL_SETTINGS,
  'sanity-check': { type: 'bool', default: true },
  passwordid: { type: 'string', default: '' },
} as const satisfies SettingTable;

/** Names of the files in the folder, for either side. */
const OWN_FILES = {
  server: { certificate: 'server-cert.pem', key: 'server-key.pem' },
  client: { certificate: 'client-cert.pem', key: 'client-key.pem' },
} as const;

/** What both sides of node:tls take. */
type Material = Pick<TlsOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'crl' | 'dhparam'>;

interface Context {
  readonly clock: Clock;
  readonly findSecret: (id: string) => Secret;
}

/** Certificates in a folder (-object tls-creds-x509), with the file names that QEMU gives them. */
export class X509Credentials extends TlsCredentials<typeof X509_SETTINGS> {
  readonly #context: Context;
  #material: Material = {};

  /** @throws QapiError or OptionError */
  static async create(
    given: Readonly<Record<string, JsonValue>>,
    context: Context,
  ): Promise<X509Credentials> {
    const credentials = new X509Credentials(given, context);
    await credentials.load();
    return credentials;
  }

  private constructor(given: Readonly<Record<string, JsonValue>>, context: Context) {
    super('tls-creds-x509', X509_SETTINGS, given);
    this.#context = context;
  }

  async load(): Promise<void> {
    const { endpoint } = this;
    const authorityFile = await this.requiredFile('ca-cert.pem');
    const revocations = await this.optionalFile('ca-crl.pem');
    const own = await this.#ownFiles();
    const parameters = endpoint === 'server' ? await this.optionalFile('dh-params.pem') : undefined;

    const authorities = readAuthorities(authorityFile);
    const chain = own && readOwnCertificates(endpoint, own.certificate);
    if (this.setting('sanity-check')) {
      checkCertificates(endpoint, chain, authorities, this.#context.clock.wallMicroseconds() / 1000);
    }
    const material: Material = {
      ca: authorityFile.text,
      ...(own === undefined || chain === undefined
        ? {}
        : { cert: own.certificate.text, key: this.#privateKey(own, chain) }),
      ...(revocations instanceof CredentialFile ? { crl: revocations.text } : {}),
    };
    if (revocations instanceof CredentialFile) checkRevocations(material, revocations.path);
    this.#material = parameters instanceof CredentialFile ? withParameters(material, parameters) : material;
  }

  protected serverMaterial(): TlsOptions {
    return this.#material;
  }

  protected clientMaterial(): ConnectionOptions {
    return this.#material;
  }

  /** Certificate and key: a server has them, a client may do without. */
  async #ownFiles(): Promise<OwnFiles | undefined> {
    const names = OWN_FILES[this.endpoint];
    if (this.endpoint === 'server') {
      const certificate = await this.requiredFile(names.certificate);
      return { certificate, key: await this.requiredFile(names.key) };
    }
    const certificate = await this.optionalFile(names.certificate);
    const key = await this.optionalFile(names.key);
    if (!(certificate instanceof CredentialFile)) return undefined;
    if (key instanceof CredentialFile) return { certificate, key };
    const keyPath = `${this.folder}/${names.key}`;
    throw failure(`Cert '${certificate.path}' without corresponding key '${keyPath}'`);
  }

  #privateKey(own: OwnFiles, { certificates }: CertificateList): string {
    const passwordId = this.setting('passwordid');
    const password = passwordId === '' ? undefined : this.#context.findSecret(passwordId).text;
    const refuse = (reason: string, cause?: unknown): QapiError =>
      failure(`Cannot load certificate '${own.certificate.path}' & key '${own.key.path}': ${reason}`, cause);
    const { text } = own.key;
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
      throw refuse('The requested data were not available.');
    }
    let key: KeyObject;
    try {
      // An empty password keeps the library from asking a terminal for one.
      key = createPrivateKey({ key: text, passphrase: password ?? '' });
    } catch (error) {
      const reason = text.includes('ENCRYPTED') ? 'Decryption has failed.' : 'Error in parsing.';
      throw refuse(reason, error);
    }
    if (!certificates[0]!.checkPrivateKey(key)) {
      throw refuse('The certificate and the given key do not match.');
    }
    return key.export({ type: 'pkcs8', format: 'pem' }) as string;
  }
}

interface OwnFiles {
  readonly certificate: CredentialFile;
  readonly key: CredentialFile;
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

function readAuthorities({ path, text }: CredentialFile): CertificateList {
  try {
    const certificates = readCertificates(text);
    if (certificates.length > 0) return { path, certificates };
  } catch {
    // The message says which file it is, and there is no more to say.
  }
  throw failure(`Unable to import CA certificate list ${path}`);
}

function readOwnCertificates(endpoint: string, { path, text }: CredentialFile): CertificateList {
  let reason = 'Base64 unexpected header error.';
  try {
    const certificates = readCertificates(text);
    if (certificates.length > 0) return { path, certificates };
  } catch {
    reason = 'ASN1 parser: Error in TAG.';
  }
  throw failure(`Unable to import ${endpoint} certificate ${path}: ${reason}`);
}

function readCertificates(text: string): X509Certificate[] {
  return [...text.matchAll(CERTIFICATE)].map(([pem]) => new X509Certificate(pem));
}

function checkRevocations(material: Material, path: string): void {
  try {
    createSecureContext(material);
  } catch (cause) {
    throw failure(`Cannot load CRL '${path}': Base64 decoding error.`, cause);
  }
}

/** Parameters of Diffie-Hellman. The library says nothing of those that it cannot read, so they are looked at before. */
function withParameters(material: Material, { path, text }: CredentialFile): Material {
  const reason = 'Base64 unexpected header error.';
  if (!/-----BEGIN DH PARAMETERS-----/.test(text)) {
    throw failure(`Unable to load DH parameters from ${path}: ${reason}`);
  }
  const complete = { ...material, dhparam: text };
  try {
    createSecureContext(complete);
    return complete;
  } catch (cause) {
    throw failure(`Unable to load DH parameters from ${path}: ${reason}`, cause);
  }
}

function failure(message: string, cause?: unknown): QapiError {
  return new QapiError('GenericError', message, cause === undefined ? undefined : { cause });
}
