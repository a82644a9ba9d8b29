import { createHash } from 'node:crypto';

/** What a client's opening handshake is answered with (RFC 6455, section 4.2). */
export interface HandshakeAnswer {
  /** The whole HTTP response. */
  readonly response: string;
  /** Why the connection does not become a WebSocket; absent where it does. */
  readonly refusal?: string;
}

/** So long may the head of the client's request be, in bytes. */
export const longestRequest = 4096;
/** So many header fields may it have. */
const mostFields = 32;
const keyLength = 24;
const version = '13';
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const STATUS = {
  accepted: '101 Switching Protocols',
  badRequest: '400 Bad Request',
  tooLarge: '403 Request Entity Too Large',
  notFound: '404 Not Found',
} as const;

class Refusal extends Error {
  readonly status: keyof typeof STATUS;

  constructor(message: string, status: keyof typeof STATUS = 'badRequest') {
    super(message);
    this.status = status;
  }
}

/**
 * Answers the client's request, as QEMU does: the path is `/`, and where the client names subprotocols one is `binary`.
 * @param head what comes before the empty line; undefined where that has not come within {@link longestRequest} bytes
 */
export function answerHandshake(head: string | undefined, now: Date): HandshakeAnswer {
  try {
    if (head === undefined) {
      throw new Refusal(`End of headers not found in first ${longestRequest} bytes`, 'tooLarge');
    }
    const fields = readRequest(head);
    const key = checkFields(fields);
    const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
    return {
      response: response('accepted', now, [
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept}`,
        ...(fields.has('sec-websocket-protocol') ? ['Sec-WebSocket-Protocol: binary'] : []),
      ]),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const more = error.status === 'badRequest' ? [`Sec-WebSocket-Version: ${version}`] : [];
    return {
      response: response(error.status, now, ['Connection: close', ...more]),
      refusal: error.message,
    };
  }
}

function response(status: keyof typeof STATUS, now: Date, fields: readonly string[]): string {
  const lines = [`HTTP/1.1 ${STATUS[status]}`, 'Server: godwit', `Date: ${now.toUTCString()}`, ...fields];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The header fields by their names in lower case; of a field that is given twice, the first. */
function readRequest(head: string): ReadonlyMap<string, string> {
  const [requestLine = '', ...lines] = head.split('\r\n');
  const [method, path, protocol] = splitRequestLine(requestLine);
  if (method !== 'GET') throw new Refusal(`Unsupported HTTP method ${method}`);
  if (path !== '/') throw new Refusal(`Unexpected HTTP path ${path}`, 'notFound');
  if (protocol !== 'HTTP/1.1') throw new Refusal(`Unsupported HTTP version ${protocol}`);
  if (lines.length > mostFields) throw new Refusal('Too many HTTP headers');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) throw new Refusal('Malformed HTTP header');
    const name = line.slice(0, colon).toLowerCase();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function splitRequestLine(line: string): [string, string, string] {
  const afterMethod = line.indexOf(' ');
  if (afterMethod < 0) throw new Refusal('Missing HTTP path delimiter');
  const afterPath = line.indexOf(' ', afterMethod + 1);
  if (afterPath < 0) throw new Refusal('Missing HTTP version delimiter');
  return [line.slice(0, afterMethod), line.slice(afterMethod + 1, afterPath), line.slice(afterPath + 1)];
}

/** Returns the client's key. */
function checkFields(fields: ReadonlyMap<string, string>): string {
  const need = (name: string, what: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new Refusal(`Missing websocket ${what} header data`);
    return value;
  };
  const given = need('sec-websocket-version', 'version');
  const key = need('sec-websocket-key', 'key');
  need('host', 'host');
  const connection = need('connection', 'connection');
  const upgrade = need('upgrade', 'upgrade');
  const protocols = fields.get('sec-websocket-protocol');
  if (protocols?.includes('binary') === false) {
    throw new Refusal(`No 'binary' protocol is supported by client '${protocols}'`);
  }
  if (given !== version) throw new Refusal(`Version '${version}' is not supported by client '${given}'`);
  if (key.length !== keyLength) {
    throw new Refusal(`Key length '${key.length}' was not as expected '${keyLength}'`);
  }
  if (!connection.split(',').some((token) => token.trim().toLowerCase() === 'upgrade')) {
    throw new Refusal(`No connection upgrade requested '${connection}'`);
  }
  if (upgrade.toLowerCase() !== 'websocket') throw new Refusal(`Incorrect upgrade method '${upgrade}'`);
  return key;
}
