import type { X509Certificate } from 'node:crypto';
import type { MonitorEndpoint } from '@godwit/qmp';
import type { UserObjects } from '../objects/index.js';
import { distinguishedName } from '../objects/tls/distinguished-name.js';
import { OptionError } from '../options/option-error.js';
import type { SocketChardev } from './configuration.js';

/** The objects that make a socket private. */
export interface SocketTls {
  /** The id of TLS credentials. */
  readonly credentials: string;
  /** The id of who says which clients are let in, by the names on their certificates. */
  readonly authorization?: string;
}

/**
 * What `tls-creds` and `tls-authz` ask for.
 * @throws OptionError
 */
export function socketTls(
  credentials: string | undefined,
  authorization: string | undefined,
): SocketTls | undefined {
  if (credentials === undefined) {
    if (authorization === undefined) return undefined;
    throw new OptionError("'tls_authz' option requires 'tls_creds' option");
  }
  return { credentials, ...(authorization === undefined ? {} : { authorization }) };
}

/** @throws QapiError when there are no such credentials, or they are for the other side; OptionError where there is no TLS */
export function serverTls(
  { tls, endpoint }: SocketChardev,
  objects: UserObjects,
): Pick<MonitorEndpoint & { kind: 'listen' }, 'tls' | 'authorize'> {
  if (tls === undefined) return {};
  const { authorization } = tls;
  const options = objects.tlsCredentials(tls.credentials, 'server').serverOptions();
  if (endpoint.type === 'unix') throw incompatible("'unix' address type");
  if (authorization === undefined) return { tls: options };
  // The object is looked for when it is needed: without it nobody is let in.
  const authorize = (certificate: X509Certificate | undefined) =>
    certificate !== undefined &&
    objects.authorization(authorization)?.allows(distinguishedName(certificate)) === true;
  return { tls: options, authorize };
}

/** @throws QapiError when there are no such credentials, or they are for the other side; OptionError where there is no TLS */
export function clientTls(
  { tls, endpoint }: SocketChardev,
  objects: UserObjects,
): Pick<MonitorEndpoint & { kind: 'connect' }, 'tls'> {
  if (tls === undefined) return {};
  const credentials = objects.tlsCredentials(tls.credentials, 'client');
  if (endpoint.type === 'unix') throw incompatible("'unix' address type");
  if (endpoint.type === 'fd') throw incompatible("'fd' address type as client");
  return { tls: credentials.clientOptions(endpoint.host) };
}

function incompatible(address: string): OptionError {
  return new OptionError(`'tls_creds' option is incompatible with ${address}`);
}
