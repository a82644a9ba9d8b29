import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { TlsListening } from '@godwit/migration';
import type { Machine } from '../machine.js';
import { distinguishedName } from '../objects/tls/distinguished-name.js';

/**
 * How a source speaks TLS, by the parameters tls-creds and tls-hostname; undefined where it does not.
 * @param host the destination's, for a certificate that nobody named otherwise
 * @throws QapiError when there are no such credentials
 */
export function clientTls(machine: Machine, host: string): ConnectionOptions | undefined {
  const { 'tls-creds': id, 'tls-hostname': hostname } = machine.migrations.parameters.values;
  if (id === '') return undefined;
  return machine.objects.tlsCredentials(id, 'client').clientOptions(hostname || host);
}

/**
 * How a destination speaks TLS, by the parameters tls-creds and tls-authz; undefined where it does not.
 * @throws QapiError when there are no such credentials
 */
export function serverTls(machine: Machine): TlsListening | undefined {
  const { 'tls-creds': id, 'tls-authz': authorization } = machine.migrations.parameters.values;
  if (id === '') return undefined;
  return {
    options: machine.objects.tlsCredentials(id, 'server').serverOptions(),
    refusal: (socket) => refusal(machine, authorization, socket),
    onRefused: (error) => machine.environment.warn(`incoming migration: ${error.message}`),
  };
}

/** Why the client is not let in: it must be known by name where `authorization` names an object that knows names. */
function refusal(machine: Machine, authorization: string, socket: TLSSocket): string | undefined {
  if (authorization === '') return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'No certificate peers';
  const identity = distinguishedName(certificate);
  if (machine.objects.authorization(authorization)?.allows(identity)) return undefined;
  return `TLS x509 authz check for ${identity} is denied`;
}
