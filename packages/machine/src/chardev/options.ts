import { OptionError } from '../options/option-error.js';
import type { OptionValues } from '../options/option-group.js';
import {
  type ChardevConfiguration,
  consoleSize,
  ringSize,
  type SocketChardev,
  type SocketEndpoint,
  socketChardev,
  type UdpChardev,
  unixEndpoint,
} from './configuration.js';
import { type InetLimits, inetEndpoint } from './inet-endpoint.js';

/** Kinds under their old names. */
const ALIASES: Readonly<Record<string, 'serial' | 'parallel'>> = { tty: 'serial', parport: 'parallel' };

/**
 * What the parameters of -chardev ask for: a device, or with `mux=on` the one that is shared, and the one that shares it.
 * @throws OptionError
 */
export function chardevsFromOptions(id: string, values: OptionValues): ChardevConfiguration[] {
  if (values.mux !== true) return [chardevFromOptions(id, values)];
  const base = `${id}-base`;
  return [chardevFromOptions(base, values), { id, kind: 'mux', base }];
}

/** @throws OptionError */
export function chardevFromOptions(id: string, values: OptionValues): ChardevConfiguration {
  const { logfile, logappend } = values;
  const log = typeof logfile === 'string' ? { log: { path: logfile, append: logappend === true } } : {};
  return { ...backendFromOptions(id, values), ...log };
}

function backendFromOptions(id: string, values: OptionValues): ChardevConfiguration {
  const kind = ALIASES[String(values.backend)] ?? values.backend;
  switch (kind) {
    case undefined:
      throw new OptionError(`chardev: "${id}" missing backend`);
    case 'socket':
      return socketFromOptions(id, values);
    case 'file': {
      const { path } = values;
      if (typeof path !== 'string') throw new OptionError('chardev: file: no filename given');
      return { id, kind, path, append: values.append === true };
    }
    case 'pipe':
      if (typeof values.path !== 'string') throw new OptionError('chardev: pipe: no device path given');
      return { id, kind, path: values.path };
    case 'serial':
    case 'parallel': {
      const name = kind === 'serial' ? 'serial/tty' : kind;
      if (typeof values.path !== 'string') throw new OptionError(`chardev: ${name}: no device path given`);
      return { id, kind, path: values.path };
    }
    case 'vc': {
      const { width, height, cols, rows } = values;
      return {
        id,
        kind,
        ...consoleSize({ width: count(width), height: count(height), cols: count(cols), rows: count(rows) }),
      };
    }
    case 'udp':
      return udpFromOptions(id, values);
    case 'ringbuf':
    case 'memory':
      // None, and nothing, are the usual size.
      return { id, kind, size: ringSize(Number(values.size ?? 0n) || undefined) };
    case 'mux':
      if (typeof values.chardev !== 'string') throw new OptionError('chardev: mux: no chardev given');
      return { id, kind, base: values.chardev };
    case 'stdio':
      return { id, kind, ...(values.signal === false ? { signal: false } : {}) };
    case 'null':
    case 'pty':
    case 'testdev':
      return { id, kind };
    default:
      throw new OptionError(`'${kind}' is not a valid char driver name`);
  }
}

function socketFromOptions(id: string, values: OptionValues): SocketChardev {
  const given = ['path', 'host', 'fd'].filter((name) => values[name] !== undefined);
  if (given.length > 1) {
    throw new OptionError("None or one of 'path', 'fd' or 'host' option required.");
  }
  const server = values.server === true;
  if (values.delay !== undefined && values.nodelay !== undefined) {
    throw new OptionError("'delay' and 'nodelay' are mutually exclusive");
  }
  const addressType = values.path !== undefined ? 'unix' : values.host !== undefined ? 'inet' : 'fd';
  if (addressType === 'inet' && values.port === undefined) {
    throw new OptionError('chardev: socket: no port given');
  }
  return socketChardev({
    id,
    addressType,
    endpoint: () => endpointFromOptions(values),
    server,
    ...(typeof values.wait === 'boolean' ? { wait: values.wait } : {}),
    telnet: values.telnet === true,
    tn3270: values.tn3270 === true,
    websocket: values.websocket === true,
    reconnectMs: values.reconnect === undefined ? undefined : Number(values.reconnect) * 1000,
    tlsCredentials: text(values['tls-creds']),
    tlsAuthorization: text(values['tls-authz']),
  });
}

function text(value: OptionValues[string] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function endpointFromOptions(values: OptionValues): SocketEndpoint {
  const { path, host, port } = values;
  if (typeof path === 'string') {
    return unixEndpoint({ path, abstract: values.abstract === true, tight: values.tight !== false });
  }
  if (host === undefined) return { type: 'fd', name: String(values.fd ?? '') };
  return inetEndpoint(String(host), String(port), limits(values));
}

function udpFromOptions(id: string, values: OptionValues): UdpChardev {
  const { host = 'localhost', port, localaddr, localport } = values;
  if (port === undefined || port === '') throw new OptionError('chardev: udp: remote port not specified');
  const remote = inetEndpoint(String(host), String(port), limits(values));
  if (localaddr === undefined && localport === undefined) return { id, kind: 'udp', remote };
  return { id, kind: 'udp', remote, local: inetEndpoint(String(localaddr ?? ''), String(localport ?? '0')) };
}

function limits({ to, ipv4, ipv6 }: OptionValues): InetLimits {
  return {
    to: to === undefined ? undefined : Number(to),
    ipv4: ipv4 === undefined ? undefined : ipv4 === true,
    ipv6: ipv6 === undefined ? undefined : ipv6 === true,
  };
}

function count(value: OptionValues[string] | undefined): bigint | undefined {
  return typeof value === 'bigint' ? value : undefined;
}
