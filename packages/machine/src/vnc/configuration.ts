import { checkSocketPath } from '../chardev/configuration.js';
import { OptionError } from '../options/option-error.js';
import type { OptionValues } from '../options/option-group.js';

/** Where viewers come to, or where the one is that the server goes to (`reverse=on`). */
export type VncAddress =
  | { readonly kind: 'unix'; readonly path: string }
  /** The first free port from `port` up to `lastPort`. */
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly lastPort: number;
      /** The only kind of address that the host may have. */
      readonly family?: 4 | 6;
    };

/** Who may look while somebody else does. */
export type SharePolicy =
  /** Who asks to be alone sends the others away; nobody else gets in until he leaves. */
  | 'allow-exclusive'
  /** Who asks to be alone is turned away. */
  | 'force-shared'
  /** Everybody gets in. */
  | 'ignore';

/** A VNC server as it was asked for. */
export interface VncConfiguration {
  /** What errors begin with. */
  readonly source?: string;
  readonly id: string;
  /** Absent for a server whose viewers come by `add_client` alone. */
  readonly address?: VncAddress;
  /** Where viewers that run in web pages come to, over WebSockets. */
  readonly webAddress?: VncAddress | undefined;
  /** Viewers need the password that `set_password` gives; until then none is let in. */
  readonly password: boolean;
  /** The secret object that holds the first password. */
  readonly passwordSecret?: string | undefined;
  /** The credentials object for TLS; absent where viewers speak none. */
  readonly tlsCredentials?: string | undefined;
  /** The object that says which certificates are let in. */
  readonly tlsAuthorization?: string | undefined;
  /** The server connects to a viewer that listens at its address. */
  readonly reverse?: boolean;
  /** Viewers may press the power button and reset the machine. */
  readonly powerControl?: boolean;
  readonly share: SharePolicy;
  /** So many viewers at most, and as many more that are still in the handshake. */
  readonly connections: number;
}

const BASE_PORT = 5900;
const WEB_BASE_PORT = 5700;
const MAX_PORT = 65535;
const CONNECTIONS = 32;
const SHARE_POLICIES: readonly string[] = ['allow-exclusive', 'force-shared', 'ignore'];

/** What is refused, by the parameter that asks for it. */
const REFUSALS: Readonly<Record<string, (value: string) => string>> = {
  sasl: () => 'VNC SASL auth requires cyrus-sasl support',
  'sasl-authz': () => "'sasl-authz' provided but SASL auth is not enabled",
  display: (id) => `Device '${id}' not found`,
  audiodev: (id) => `Audiodev '${id}' not found`,
};

/**
 * What the parameters of -vnc ask for. Those that tune what this server does not do (`lossy`, `non-adaptive`,
 * `key-delay-ms`, `lock-key-sync`) are taken and have no effect.
 * @throws OptionError
 */
export function vncFromOptions(id: string, values: OptionValues, source?: string): VncConfiguration {
  for (const [name, reason] of Object.entries(REFUSALS)) {
    const value = values[name];
    if (value !== undefined && value !== false && value !== 'off')
      throw new OptionError(reason(String(value)));
  }
  const {
    'password-secret': passwordSecret,
    'tls-creds': tlsCredentials,
    'tls-authz': tlsAuthorization,
  } = values;
  if (passwordSecret !== undefined && values.password !== undefined) {
    throw new OptionError("'password' flag is redundant with 'password-secret'");
  }
  if (tlsAuthorization !== undefined && tlsCredentials === undefined) {
    throw new OptionError("'tls-authz' provided but TLS is not enabled");
  }
  const share = values.share ?? 'allow-exclusive';
  if (!isSharePolicy(share)) throw new OptionError('unknown vnc share= option');
  const address = addressFrom(values);
  const webAddress = webAddressFrom(values, address);
  return {
    ...(source === undefined ? {} : { source }),
    ...(address === undefined ? {} : { address }),
    webAddress,
    id,
    password: values.password === true || passwordSecret !== undefined,
    passwordSecret: optionalText(passwordSecret),
    tlsCredentials: optionalText(tlsCredentials),
    tlsAuthorization: optionalText(tlsAuthorization),
    reverse: values.reverse === true,
    powerControl: values['power-control'] === true,
    share,
    connections: Number(values.connections ?? CONNECTIONS),
  };
}

function addressFrom(values: OptionValues): VncAddress | undefined {
  const { vnc: text = 'none', to } = values;
  if (typeof text !== 'string' || text === 'none') return undefined;
  if (text.startsWith('unix:')) {
    if (to !== undefined) throw new OptionError('Port range not support with UNIX socket');
    const path = text.slice('unix:'.length);
    checkSocketPath(path);
    return { kind: 'unix', path };
  }
  const colon = text.lastIndexOf(':');
  if (colon < 0) throw new OptionError('no vnc port specified');
  const display = text.slice(colon + 1);
  if (display === '') throw new OptionError('vnc port cannot be empty');
  if (!/^\d+$/.test(display)) throw new OptionError(`can't convert to a number: ${display}`);
  // A viewer in reverse is at a port of its own, not at a display.
  const offset = values.reverse === true ? 0 : BASE_PORT;
  const port = offset + Number(display);
  if (port > MAX_PORT) throw new OptionError(`port ${display} out of range`);
  if (values.ipv4 === false && values.ipv6 === false) {
    throw new OptionError('Cannot disable IPv4 and IPv6 at same time');
  }
  const last = Number(to ?? 0) === 0 ? port : offset + Number(to);
  if (last < port) throw new OptionError('Failed to create a socket');
  const lastPort = Math.min(last, MAX_PORT);
  const host = bareHost(text.slice(0, colon));
  const anywhere = host === '' && values.reverse !== true;
  return {
    kind: 'tcp',
    host: anywhere ? anyHost(values) : host,
    port,
    lastPort,
    ...addressFamily(values),
  };
}

/** For viewers in web pages there is a port of its own, with the display's number if no other is given. */
function webAddressFrom(values: OptionValues, address: VncAddress | undefined): VncAddress | undefined {
  const { websocket: text } = values;
  if (address === undefined || text === undefined || text === 'off') return undefined;
  if (values.reverse === true) throw new OptionError('Cannot use websockets in reverse mode');
  const where = String(text);
  if (where.startsWith('unix:')) throw new OptionError('UNIX sockets not supported with websock');
  const colon = where.lastIndexOf(':');
  const name = where.slice(colon + 1);
  if (colon >= 0 && name === '') throw new OptionError('vnc port cannot be empty');
  const host = bareHost(where.slice(0, Math.max(colon, 0)));
  const shared = address.kind === 'tcp' ? address.host : anyHost(values);
  const family = addressFamily(values);
  if (name === '' || name === 'on') {
    const display = address.kind === 'tcp' ? address.port - BASE_PORT : 0;
    const more = address.kind === 'tcp' ? address.lastPort - address.port : 0;
    const port = WEB_BASE_PORT + display;
    return { kind: 'tcp', host: host || shared, port, lastPort: port + more, ...family };
  }
  const port = Number(name);
  if (!/^\d+$/.test(name) || port > MAX_PORT) {
    throw new OptionError(
      `address resolution failed for ${host}:${name}: Servname not supported for ai_socktype`,
    );
  }
  return { kind: 'tcp', host: host || shared, port, lastPort: port, ...family };
}

function bareHost(text: string): string {
  return text.replace(/^\[(.*)\]$/, '$1');
}

/** Every address of the host: of IPv4, unless only IPv6 is asked for. */
function anyHost({ ipv4, ipv6 }: OptionValues): string {
  return ipv6 === true && ipv4 !== true ? '::' : '0.0.0.0';
}

function addressFamily({ ipv4, ipv6 }: OptionValues): { readonly family?: 4 | 6 } {
  if (ipv4 === false || (ipv6 === true && ipv4 !== true)) return { family: 6 };
  if (ipv6 === false || (ipv4 === true && ipv6 !== true)) return { family: 4 };
  return {};
}

function optionalText(value: OptionValues[string] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function isSharePolicy(text: unknown): text is SharePolicy {
  return typeof text === 'string' && SHARE_POLICIES.includes(text);
}
