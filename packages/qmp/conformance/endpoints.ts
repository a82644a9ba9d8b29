import { closeSync, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '@godwit/json';
import { requireNative } from '@godwit/native';
import {
  connectedTransport,
  connectTransport,
  QmpClient,
  type SocketAddress,
  StreamTransport,
  type Transport,
} from '../src/index.js';
import { Peer, type Program } from './peer.js';

const native = requireNative('the conformance run');
const fixtures = fileURLToPath(new URL('../../test/fixtures/tls/', import.meta.url));

/** A server that says nothing for so long will not. */
const limitMs = 5000;

/** What was tried, and what came of it. */
export interface Attempt {
  readonly name: string;
  readonly outcome: string;
}

const certificates = {
  server: ['ca-cert', 'server-cert', 'server-key'],
  client: ['ca-cert', 'client-cert', 'client-key'],
} as const;

/** Monitors that speak TLS, and the objects that they are told to use. */
const privateMonitors = {
  verifying: 'tls-creds=creds',
  unverifying: 'tls-creds=open',
  authorized: 'tls-creds=creds,tls-authz=known',
  unauthorized: 'tls-creds=creds,tls-authz=other',
  nobody: 'tls-creds=creds,tls-authz=missing',
} as const;

const objects = [
  'tls-creds-x509,id=creds,dir=FOLDER/server,endpoint=server,verify-peer=on',
  'tls-creds-x509,id=open,dir=FOLDER/server,endpoint=server,verify-peer=off',
  'tls-creds-x509,id=calls,dir=FOLDER/client,endpoint=client',
  'authz-simple,id=known,identity=CN=a client,,O=Godwit',
  'authz-simple,id=other,identity=CN=somebody else',
];

const clients: Readonly<Record<string, ConnectionOptions | undefined>> = {
  'with a certificate': credentials('client'),
  'without a certificate': { ca: pem('ca-cert') },
  'of another authority': credentials('stranger'),
  'without TLS': undefined,
  'with a certificate, again': credentials('client'),
};

/** Tries monitors that are reached otherwise than by the path of a unix socket: by TLS, and by descriptors. */
export async function tryEndpoints(program: Program, folder: string): Promise<Attempt[]> {
  for (const [side, names] of Object.entries(certificates)) {
    mkdirSync(join(folder, side));
    for (const name of names) copyFileSync(join(fixtures, `${name}.pem`), join(folder, side, `${name}.pem`));
  }
  const path = join(folder, 'inherited');
  const listening = native.listenUnix(path, 8);
  const [ours, theirs] = native.socketpair();
  const called = await Called.listen();
  const monitor = (id: string, chardev: string) => [
    ...['-chardev', `socket,id=${id},${chardev}`, '-mon', `chardev=${id},mode=control`],
  ];
  const peer = await Peer.start(
    program,
    folder,
    [
      '-S',
      ...objects.flatMap((object) => ['-object', object]),
      ...Object.entries(privateMonitors).flatMap(([id, tls]) =>
        monitor(id, `host=127.0.0.1,port=0,server=on,wait=off,${tls}`),
      ),
      ...monitor('calling', `host=localhost,port=${called.port},tls-creds=calls`),
      ...monitor('listening', 'fd=3,server=on,wait=off'),
      ...monitor('connected', 'fd=4'),
    ],
    [listening, theirs],
  );
  closeSync(listening);
  closeSync(theirs);
  try {
    const attempts: Attempt[] = [];
    const ports = await portsOf(peer);
    for (const id of Object.keys(privateMonitors)) {
      const address = { kind: 'tcp', host: '127.0.0.1', port: ports.get(id)! } as const;
      for (const [client, tls] of Object.entries(clients)) {
        attempts.push({ name: `TLS, ${id}: a client ${client}`, outcome: await converse(address, tls) });
      }
    }
    attempts.push({ name: 'TLS: a monitor that connects', outcome: await called.outcome });
    for (const time of ['once', 'and again']) {
      const outcome = await converse({ kind: 'unix', path }, undefined);
      attempts.push({ name: `a descriptor that listens, ${time}`, outcome });
    }
    const outcome = await converse(connectedTransport(ours, native), undefined);
    attempts.push({ name: 'a descriptor that is connected', outcome });
    return attempts;
  } finally {
    called.close();
    peer.stop();
    await peer.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sends a command with a descriptor where that is possible; returns whether a monitor answers, and what. */
async function converse(
  where: SocketAddress | Transport,
  tls: ConnectionOptions | undefined,
): Promise<string> {
  let client: QmpClient | undefined;
  try {
    const signal = AbortSignal.timeout(limitMs);
    const transport = 'kind' in where ? await connectTransport(where, { native, tls, signal }) : where;
    const { carriesDescriptors } = transport;
    client = await QmpClient.connect(carriesDescriptors ? transport : nudging(transport), { native, signal });
    await client.execute('query-name');
    if (!carriesDescriptors) return 'answers';
    const [one, two] = native.socketpair();
    closeSync(two);
    await client.execute('getfd', { fdname: 'passed' }, { fds: [{ fd: one, handOver: true }] });
    await client.execute('closefd', { fdname: 'passed' });
    return 'answers, and takes descriptors';
  } catch {
    return 'does not answer';
  } finally {
    await client?.close();
  }
}

/** QEMU 7.2 looks at the end of what came over TLS only when something more comes: a space does. */
function nudging(transport: Transport): Transport {
  const space = Buffer.from(' ');
  return {
    carriesDescriptors: false,
    get writableLength() {
      return transport.writableLength;
    },
    start: (handler) => transport.start(handler),
    write: (bytes) => transport.write(bytes) && transport.write(space),
    pause: () => transport.pause(),
    resume: () => transport.resume(),
    end: () => transport.end(),
    destroy: () => transport.destroy(),
  };
}

/** A TLS server that a monitor connects to. */
class Called {
  readonly port: number;
  /** What came of the first connection. */
  readonly outcome: Promise<string>;
  readonly close: () => void;

  static async listen(): Promise<Called> {
    const { cert, key, ca } = credentials('server');
    const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
    const outcome = new Promise<string>((resolve) => {
      server.once('secureConnection', (socket) => {
        const transport = new StreamTransport({ input: socket, output: socket });
        resolve(
          converse(transport, undefined).then(
            (said) => `${said}, from ${socket.getPeerX509Certificate()?.subject}`,
          ),
        );
      });
      server.once('tlsClientError', () => resolve('does not get through the handshake'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Called((server.address() as AddressInfo).port, outcome, () => server.close());
  }

  private constructor(port: number, outcome: Promise<string>, close: () => void) {
    this.port = port;
    this.outcome = outcome;
    this.close = close;
  }
}

/** The ports that the system chose, as query-chardev tells them. */
async function portsOf(peer: Peer): Promise<Map<string, number>> {
  const client = await QmpClient.connect({ kind: 'unix', path: peer.paths[0]! }, { native });
  try {
    const chardevs = (await client.execute('query-chardev')) as JsonObject[];
    return new Map(
      chardevs.map(({ label, filename }) => [
        String(label),
        Number(/:(\d+),server/.exec(String(filename))?.[1]),
      ]),
    );
  } finally {
    await client.close();
  }
}

function credentials(name: string): ConnectionOptions {
  return { ca: pem('ca-cert'), cert: pem(`${name}-cert`), key: pem(`${name}-key`) };
}

function pem(name: string): Buffer {
  return readFileSync(join(fixtures, `${name}.pem`));
}
