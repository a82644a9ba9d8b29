import { OptionError } from '../options/option-error.js';

/** Kinds that need nothing more. */
const ALONE: readonly string[] = ['null', 'pty', 'testdev', 'stdio'];

/**
 * The short form that -qmp, -monitor and -serial take (`unix:PATH,server=on,wait=off`, `tcp:HOST:PORT`, `telnet:…`,
 * `tn3270:…`, `websocket:…`, `udp:HOST:PORT@LOCALHOST:LOCALPORT`, `file:PATH`, `pipe:PATH`, `vc:80Cx24C`, `/dev/…`, and the
 * kinds that need nothing more; `mon:` before them shares the device with a monitor), as -chardev would be given it.
 * Undefined where the kind is known and the rest cannot be read.
 * @throws OptionError for another kind
 */
export function expandShortChardev(text: string): string | undefined {
  if (!text.startsWith('mon:')) return expandUnshared(text);
  // Control-C is for whoever is at the other end of the shared device, Control-A x ends the machine.
  const shared = expandUnshared(text.slice('mon:'.length));
  return shared && `${shared},mux=on${shared === 'stdio' ? ',signal=off' : ''}`;
}

function expandUnshared(text: string): string | undefined {
  if (ALONE.includes(text)) return text;
  if (text.startsWith('vc')) return expandConsole(text.slice('vc'.length));
  if (text === 'con:') return 'console';
  if (text.startsWith('COM')) return `serial,path=${literal(text)}`;
  const [, kind = '', rest = ''] =
    /^(file|pipe|tcp|telnet|tn3270|websocket|udp|unix):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case 'file':
    case 'pipe':
      return `${kind},path=${literal(rest)}`;
    case 'udp':
      return expandUdp(rest);
    case 'unix':
      // The path may be named, and may be missing.
      return rest === '' ? 'socket' : `socket,${/^[^,=]*=/.test(rest) ? '' : 'path='}${rest}`;
    case 'tcp':
    case 'telnet':
    case 'tn3270':
    case 'websocket':
      return expandInet(kind, rest);
  }
  if (/^\/dev\/(?:parport|ppi)/.test(text)) return `parallel,path=${literal(text)}`;
  if (text.startsWith('/dev/')) return `serial,path=${literal(text)}`;
  throw new OptionError(`'${text}' is not a valid char driver`);
}

/** HOST:PORT and options; a host with colons of its own is in brackets. */
function expandInet(kind: string, text: string): string | undefined {
  const [, host, port, more = ''] = /^(\[[^\]]*\]|[^:]{0,64}):([^,]{1,32})[^,]*(,.+)?/s.exec(text) ?? [];
  if (host === undefined) return undefined;
  const where = host === '' ? '0.0.0.0' : literal(host.replace(/^\[|\]$/g, ''));
  return `socket,host=${where},port=${port}${more}${kind === 'tcp' ? '' : `,${kind}=on`}`;
}

/** HOST:PORT, and LOCALHOST:LOCALPORT after an @. */
function expandUdp(text: string): string | undefined {
  const [to, host, port, at] = /^([^:]{0,64}):([^@,]{1,32})(@)?/s.exec(text) ?? [];
  if (to === undefined) return undefined;
  const remote = `udp,host=${host === '' ? 'localhost' : literal(host!)},port=${port}`;
  if (at === undefined) return remote;
  const [from, localHost, localPort] = /^([^:]{0,64}):([^,]{1,32})/s.exec(text.slice(to.length)) ?? [];
  if (from === undefined) return undefined;
  return `${remote},localaddr=${literal(localHost!)},localport=${localPort}`;
}

/** A size in pixels or characters, where it begins with a colon. */
function expandConsole(text: string): string | undefined {
  if (!text.startsWith(':')) return 'vc';
  const [, width, height] = /^:(\d{1,7})x(\d{1,7})/.exec(text) ?? [];
  if (width !== undefined) return `vc,width=${width},height=${height}`;
  const [, columns, rows] = /^:(\d{1,7})Cx(\d{1,7})/.exec(text) ?? [];
  return columns === undefined ? undefined : `vc,cols=${columns},rows=${rows}`;
}

/** A value with commas of its own. */
function literal(value: string): string {
  return value.replaceAll(',', ',,');
}
