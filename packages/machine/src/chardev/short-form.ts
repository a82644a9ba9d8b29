import { OptionError } from '../options/option-error.js';

/** Kinds that need nothing more. */
const ALONE: readonly string[] = ['null', 'pty', 'testdev', 'stdio', 'vc'];

/**
 * The short form that -qmp, -monitor and -serial take (`unix:PATH,server=on,wait=off`, `tcp:HOST:PORT`, `telnet:…`,
 * `tn3270:…`, `websocket:…`, `udp:HOST:PORT@LOCALHOST:LOCALPORT`, `file:PATH`, `pipe:PATH`, `vc:80Cx24C`, `/dev/…`, and the
 * kinds that need nothing more; `mon:` before them shares the device with a monitor), as -chardev would be given it.
 * @throws OptionError
 */
export function expandShortChardev(text: string): string {
  // Control-C is for whoever is at the other end of the shared device, Control-A x ends the machine.
  if (text.startsWith('mon:')) {
    const shared = expandUnshared(text.slice(4));
    return `${shared},mux=on${shared === 'stdio' ? ',signal=off' : ''}`;
  }
  return expandUnshared(text);
}

function expandUnshared(text: string): string {
  if (ALONE.includes(text)) return text;
  const [, kind, host = '', port, more = ''] =
    /^(tcp|telnet|tn3270|websocket):(\[[^\]]*\]|[^:,]*):([^,]+)(,.*)?$/s.exec(text) ?? [];
  if (kind !== undefined) {
    const where = host === '' ? '0.0.0.0' : host.replace(/^\[|\]$/g, '');
    return `socket,host=${where},port=${port}${kind === 'tcp' ? '' : `,${kind}=on`}${more}`;
  }
  const udp = /^udp:([^:,@]*):([^,@]+)(?:@([^:,]*):([^,]+))?$/.exec(text);
  if (udp !== null) {
    const [, to = '', toPort, from, fromPort] = udp;
    const local = fromPort === undefined ? '' : `,localaddr=${from},localport=${fromPort}`;
    return `udp,host=${to === '' ? 'localhost' : to},port=${toPort}${local}`;
  }
  if (text.startsWith('unix:')) return `socket,path=${text.slice('unix:'.length)}`;
  const [, prefix, path = ''] = /^(file|pipe):(.*)$/s.exec(text) ?? [];
  if (prefix !== undefined) return `${prefix},path=${literal(path)}`;
  const [, columns, rows] = /^vc:(\d{1,7})Cx(\d{1,7})C/.exec(text) ?? [];
  if (columns !== undefined) return `vc,cols=${columns},rows=${rows}`;
  const [, width, height] = /^vc:(\d{1,7})x(\d{1,7})/.exec(text) ?? [];
  if (width !== undefined) return `vc,width=${width},height=${height}`;
  if (/^\/dev\/(?:parport|ppi)/.test(text)) return `parallel,path=${literal(text)}`;
  if (text.startsWith('/dev/')) return `serial,path=${literal(text)}`;
  throw new OptionError(`'${text}' is not a valid char driver`);
}

/** A value with commas of its own. */
function literal(value: string): string {
  return value.replaceAll(',', ',,');
}
