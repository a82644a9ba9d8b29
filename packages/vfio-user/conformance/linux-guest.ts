import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { unpackPackages } from './debian-packages.js';
import { EXPECTED, GUEST_RAM, GUEST_SCRIPT } from './guest-script.js';
import { initramfs } from './initramfs.js';
import { fileFinder, unpackedQemu } from './unpacked-qemu.js';

/** A QEMU, and a Linux to run in it. */
export interface Pieces {
  /** How the QEMU is called. */
  readonly qemu: readonly string[];
  readonly kernel: string;
  readonly busybox: string;
  /** Drivers of the kernel; none where they are built in. */
  readonly modules: readonly string[];
}

const DRIVERS = /^uio(_pci_generic)?\.ko(\.xz)?$/;
/** With a host that is busy with other things too. */
const GUEST_DEADLINE_MS = 240_000;

/** Gets QEMU, Debian's kernel for clouds and a static busybox, below `folder`. Throws `Unavailable`. */
export function fetchPieces(folder: string): Pieces {
  const root = unpackPackages(['qemu-system-x86', 'linux-image-cloud-amd64', 'busybox-static'], folder);
  const one = fileFinder(root);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return {
    qemu: unpackedQemu(root),
    kernel: one(/(^|\/)vmlinuz[^/]*$/),
    busybox: one(/bin\/busybox$/),
    modules: files.filter((file) => DRIVERS.test(basename(file))).map((file) => join(root, file)),
  };
}

/** Boots a Linux with devices of vfio-user servers, by their sockets, and compares what it says of them. */
export async function checkLinuxGuest(
  { qemu, kernel, busybox, modules }: Pieces,
  sockets: readonly string[],
  folder: string,
): Promise<void> {
  const image = join(folder, 'initramfs');
  const files = [
    { path: 'init', content: Buffer.from(GUEST_SCRIPT) },
    { path: 'bin/busybox', content: readFileSync(busybox) },
    ...modules.map((path) => ({ path: basename(path), content: readFileSync(path) })),
  ];
  writeFileSync(image, initramfs(files));
  const serial = join(folder, 'serial');
  const listener = createServer().listen(serial);
  await once(listener, 'listening');
  const devices = sockets.map((path) => ({ driver: 'vfio-user-pci', socket: { type: 'unix', path } }));
  const [program, ...args] = qemu;
  const child = spawn(program!, [
    ...args,
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-m', '128'],
    ...['-object', 'memory-backend-memfd,id=ram,size=128M,share=on'],
    ...['-machine', 'q35,memory-backend=ram,accel=tcg'],
    ...['-kernel', kernel, '-initrd', image],
    ...['-append', `console=ttyS0 quiet panic=-1 ${GUEST_RAM.kernelArgument}`],
    ...['-chardev', `socket,id=serial,path=${serial}`, '-serial', 'chardev:serial', '-monitor', 'stdio'],
    ...devices.flatMap((device) => ['-device', JSON.stringify(device)]),
  ]);
  let errors = '';
  let monitor = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk) => {
    monitor += chunk;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write('info pci\n');
  const deadline = setTimeout(() => child.kill('SIGKILL'), GUEST_DEADLINE_MS);
  const console: string[] = [];
  listener.once('connection', (socket: Socket) => {
    createInterface({ input: socket }).on('line', (line) => console.push(line.trim()));
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(deadline);
  listener.close();
  assert.equal(status, 0, `QEMU ended with ${signal ?? status}: ${errors.trim()}${lastOf(console)}`);
  for (const id of ['1234:adde', '1b36:0100']) {
    assert.ok(monitor.includes(`PCI device ${id}`), `info pci does not show ${id}`);
  }
  const said = new Map(console.map((line) => line.split(' = ') as [string, string]));
  for (const [name, value] of Object.entries(EXPECTED)) {
    assert.equal(said.get(name), value, `${name}${lastOf(console)}`);
  }
}

function lastOf(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `; the guest's last lines: ${lines.slice(-5).join(' | ')}`;
}
