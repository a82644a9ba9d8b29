import type { X509Certificate } from 'node:crypto';

/** Attributes that GnuTLS, and so whoever authorizes clients by name, calls otherwise than OpenSSL. */
const NAMES: ReadonlyMap<string, string> = new Map([['emailAddress', 'EMAIL']]);

/** Who a certificate is for: `C=GB,O=Example,CN=laptop`, in the order of the certificate. */
export function distinguishedName({ subject }: X509Certificate): string {
  // One attribute a line; those that belong together are joined by ` + `.
  return subject
    .split('\n')
    .map((line) => line.split(' + ').map(attribute).join('+'))
    .join(',');
}

function attribute(text: string): string {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  return `${NAMES.get(name) ?? name}${text.slice(at)}`;
}
