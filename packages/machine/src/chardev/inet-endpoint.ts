import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { OptionError } from '../options/option-error.js';

export interface InetEndpoint {
  readonly type: 'inet';
  readonly host: string;
  readonly port: number;
  /** Whoever listens takes the first free port up to this one. */
  readonly lastPort?: number;
  /** Only addresses of this version of IP. */
  readonly family?: 4 | 6;
}

/** What else is said of an address beside its host and port, as in the schema's InetSocketAddress. */
export interface InetLimits {
  readonly to?: number | undefined;
  readonly ipv4?: boolean | undefined;
  readonly ipv6?: boolean | undefined;
}

/** @throws OptionError when the port is none, or no address is left */
export function inetEndpoint(host: string, port: string, limits: InetLimits = {}): InetEndpoint {
  const number = port === '' ? 0 : portNumber(port);
  if (number === undefined) {
    throw new OptionError(
      `address resolution failed for ${host}:${port}: Servname not supported for ai_socktype`,
    );
  }
  const family = familyOf(limits);
  return {
    type: 'inet',
    host,
    port: number,
    ...(limits.to === undefined || limits.to <= number ? {} : { lastPort: Math.min(limits.to, 65535) }),
    ...(family === undefined ? {} : { family }),
  };
}

/** @throws OptionError */
export function parsePort(text: string): number {
  const port = portNumber(text);
  if (port === undefined) throw new OptionError(`address resolution failed: '${text}' is not a port number`);
  return port;
}

function portNumber(text: string): number | undefined {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}

/** One that is switched on rules out the other, unless that is on too. */
function familyOf({ ipv4, ipv6 }: InetLimits): 4 | 6 | undefined {
  if (ipv4 === false && ipv6 === false) throw new OptionError('Cannot disable IPv4 and IPv6 at same time');
  if (ipv4 === ipv6) return undefined;
  return ipv6 === true || ipv4 === false ? 6 : 4;
}

/**
 * The host as a number, of the version of IP that is asked for; to listen, none is every address.
 * @param use to listen there, or to send there, for which IPv6 reaches an address of IPv4 too
 * @throws Error when there is none
 */
export async function resolveHost(
  { host, port, family }: InetEndpoint,
  use: 'listen' | 'send',
): Promise<string> {
  if (host === '') return use === 'send' ? host : family === 6 ? '::' : '0.0.0.0';
  const numeric = isIP(host);
  if (numeric !== 0) {
    if (family === undefined || family === numeric) return host;
    if (use === 'send' && family === 6) return `::ffff:${host}`;
    throw unresolved(host, port, 'Address family for hostname not supported');
  }
  try {
    return (await lookup(host, { family: family ?? 0 })).address;
  } catch (cause) {
    throw unresolved(host, port, 'Name or service not known', cause);
  }
}

function unresolved(host: string, port: number, reason: string, cause?: unknown): Error {
  return new Error(`address resolution failed for ${host}:${port}: ${reason}`, { cause });
}
