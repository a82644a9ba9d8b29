import type { VncPrimaryAuth, VncVencryptSubAuth } from '../generated/index.js';

/** What a server asks of its clients. */
export interface VncAuthentication {
  /** They must know the password. */
  readonly password: boolean;
  /** They must speak TLS first: with certificates, or without (anonymous). */
  readonly tls?: 'x509' | 'tls' | undefined;
}

export const NO_AUTHENTICATION: VncAuthentication = { password: false };

/** Numbers of security types (RFC 6143, 7.1.2; VeNCrypt in the registry of RFB). */
export const SecurityType = { INVALID: 0, NONE: 1, VNC: 2, VENCRYPT: 19 } as const;

/** Numbers of what is asked within VeNCrypt. */
const VENCRYPT_TYPES = { 'tls-none': 257, 'tls-vnc': 258, 'x509-none': 260, 'x509-vnc': 261 } as const;

export function securityType({ password, tls }: VncAuthentication): number {
  if (tls !== undefined) return SecurityType.VENCRYPT;
  return password ? SecurityType.VNC : SecurityType.NONE;
}

/** What is asked within VeNCrypt; undefined without TLS. */
function vencryptName({
  password,
  tls,
}: VncAuthentication): (keyof typeof VENCRYPT_TYPES & VncVencryptSubAuth) | undefined {
  return tls === undefined ? undefined : `${tls}-${password ? 'vnc' : 'none'}`;
}

export function vencryptType(authentication: VncAuthentication): number {
  const name = vencryptName(authentication);
  return name === undefined ? SecurityType.INVALID : VENCRYPT_TYPES[name];
}

/** As query-vnc-servers tells it. */
export function authenticationInfo(authentication: VncAuthentication): {
  readonly auth: VncPrimaryAuth;
  readonly vencrypt?: VncVencryptSubAuth;
} {
  const vencrypt = vencryptName(authentication);
  if (vencrypt !== undefined) return { auth: 'vencrypt', vencrypt };
  return { auth: authentication.password ? 'vnc' : 'none' };
}

/** As query-vnc and the events tell it: `vencrypt+x509+vnc`. */
export function authenticationText(authentication: VncAuthentication): string {
  const { auth, vencrypt } = authenticationInfo(authentication);
  return vencrypt === undefined ? auth : `${auth}+${vencrypt.replace('-', '+')}`;
}
