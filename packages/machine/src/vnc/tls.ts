import type { Machine } from '../machine.js';
import { AnonymousCredentials, X509Credentials } from '../objects/index.js';
import { OptionError } from '../options/option-error.js';
import type { VncConfiguration } from './configuration.js';
import type { VncTls } from './server.js';

/**
 * How a server speaks TLS, by the objects that its configuration names.
 * @throws QapiError or OptionError when there are no such credentials, or none for a server
 */
export function serverTls(
  { tlsCredentials, tlsAuthorization }: VncConfiguration,
  { objects }: Machine,
): VncTls | undefined {
  if (tlsCredentials === undefined) return undefined;
  const credentials = objects.tlsCredentials(tlsCredentials, 'server');
  const options = () => credentials.serverOptions();
  const reload = () => credentials.load();
  if (credentials instanceof AnonymousCredentials)
    return { kind: 'tls', options, type: credentials.typeName };
  if (!(credentials instanceof X509Credentials)) {
    throw new OptionError(`Unsupported TLS cred type ${credentials.typeName}`);
  }
  return {
    kind: 'x509',
    type: credentials.typeName,
    options,
    reload,
    // The object is looked for when it is needed: without it nobody is let in.
    allows:
      tlsAuthorization === undefined
        ? undefined
        : (name) => objects.authorization(tlsAuthorization)?.allows(name) ?? false,
  };
}
