import type { X509Certificate } from 'node:crypto';
import { QapiError } from '@godwit/qapi/runtime';
import { certificateUses } from './certificate-extensions.js';
import type { TlsEndpoint } from './credentials.js';

/** Bits of key usage. */
const DIGITAL_SIGNATURE = 0x80;
const CERTIFICATE_SIGNING = 0x04;

/** Purposes, as {@link certificateUses} tells them: 1.3.6.1.5.5.7.3.1, .2, and any. */
const PURPOSE = { server: '2b06010505070301', client: '2b06010505070302', any: '551d2500' } as const;

/** Certificates of a file. */
export interface CertificateList {
  readonly path: string;
  readonly certificates: readonly X509Certificate[];
}

/**
 * Finds what would keep credentials from ever working (`sanity-check=on`), before the first connection fails for it.
 * @param own the certificate of this side and those between it and the authority, if there is one
 * @param nowMs milliseconds since 1970
 * @throws QapiError
 */
export function checkCertificates(
  endpoint: TlsEndpoint,
  own: CertificateList | undefined,
  authorities: CertificateList,
  nowMs: number,
): void {
  const [certificate] = own?.certificates ?? [];
  if (own !== undefined && certificate !== undefined) {
    checkTimes(`The ${endpoint} certificate ${own.path}`, certificate, nowMs);
    checkOwnUses(endpoint, own.path, certificate);
  }
  for (const authority of authorities.certificates) {
    checkTimes(`The CA certificate ${authorities.path}`, authority, nowMs);
    checkAuthorityUses(authorities.path, authority);
  }
  if (own === undefined || certificate === undefined) return;
  const issuers = [...own.certificates.slice(1), ...authorities.certificates];
  const known = issuers.some(
    (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  );
  if (!known) {
    throw failure(
      `Our own certificate ${own.path} failed validation against ${authorities.path}: The certificate hasn't got a known issuer`,
    );
  }
}

function checkTimes(subject: string, { validFrom, validTo }: X509Certificate, nowMs: number): void {
  if (Date.parse(validTo) < nowMs) throw failure(`${subject} has expired`);
  if (Date.parse(validFrom) > nowMs) throw failure(`${subject} is not yet active`);
}

function checkOwnUses(endpoint: TlsEndpoint, path: string, certificate: X509Certificate): void {
  const { authority, keyUsage, purposes } = certificateUses(certificate.raw);
  if (authority === true) {
    throw failure(`The certificate ${path} basic constraints show a CA, but we need one for a ${endpoint}`);
  }
  if (keyUsage?.critical && (keyUsage.bits & DIGITAL_SIGNATURE) === 0) {
    throw failure(`Certificate ${path} usage does not permit digital signature`);
  }
  const permitted = purposes?.identifiers.some((id) => id === PURPOSE[endpoint] || id === PURPOSE.any);
  if (purposes?.critical && !permitted) {
    throw failure(`Certificate ${path} purpose does not allow use with a TLS ${endpoint}`);
  }
}

function checkAuthorityUses(path: string, certificate: X509Certificate): void {
  const { authority, keyUsage } = certificateUses(certificate.raw);
  if (authority === undefined) throw failure(`The certificate ${path} is missing basic constraints for a CA`);
  if (!authority) throw failure(`The certificate ${path} basic constraints do not show a CA`);
  if (keyUsage?.critical && (keyUsage.bits & CERTIFICATE_SIGNING) === 0) {
    throw failure(`Certificate ${path} usage does not permit certificate signing`);
  }
}

function failure(message: string): QapiError {
  return new QapiError('GenericError', message);
}
