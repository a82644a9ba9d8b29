import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMemoryTransports } from '@godwit/qmp';
import { InteractiveMonitor } from '../src/human-monitor/interactive-monitor.js';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

let machine: TestMachine;
before(async () => {
  machine = await createTestMachine({
    name: 'vm1',
    startStopped: true,
    topology: { cpus: 2, maxCpus: 2, sockets: 1, dies: 1, clusters: 1, cores: 2, threads: 1 },
    objects: [{ type: 'iothread', id: 'io0', properties: {} }],
    chardevs: [{ kind: 'null', id: 'c0' }],
    devices: [device('d')],
  });
});
after(() => machine.close());

async function line(text: string, cpuIndex?: number): Promise<string> {
  const args = { 'command-line': text, ...(cpuIndex === undefined ? {} : { 'cpu-index': cpuIndex }) };
  return String(await execute(machine, 'human-monitor-command', args));
}

/** As a QEMU 7.2 prints them, where the machine can be the same. */
const LINES = [
  ['', ''],
  ['bogus', "unknown command: 'bogus'\r\n"],
  ['p\u00a01', "unknown command: 'p\u00a01'\r\n"],
  ['info bogus', "unknown command: 'info bogus'\r\n"],
  ['help bogus', "unknown command: 'bogus'\r\n"],
  ['info status', 'VM status: paused (prelaunch)\r\n'],
  ['info name', 'vm1\r\n'],
  ['info uuid', '00000000-0000-0000-0000-000000000000\r\n'],
  ['info chardev', 'c0: filename=null\r\n'],
  [
    'info status x',
    'status: extraneous characters at the end of line\r\nTry "help info status" for more information\r\n',
  ],
  ['stop x', 'stop|s: extraneous characters at the end of line\r\nTry "help stop" for more information\r\n'],
  ['q x', 'quit|q: extraneous characters at the end of line\r\nTry "help q" for more information\r\n'],
  ['help stop', 'stop|s  -- stop emulation\r\n'],
  ['? stop', 'stop|s  -- stop emulation\r\n'],
  ['help info status', 'info status  -- show the current VM status (running|paused)\r\n'],
  ['migrate', 'migrate: string expected\r\nTry "help migrate" for more information\r\n'],
  ['migrate_cancel', ''],
  ['x', 'unexpected end of expression\r\nTry "help x" for more information\r\n'],
  ['x/4xw 0', '0000000000000000: 0x00000000 0x00000000 0x00000000 0x00000000\r\n'],
  ['x/2xb 0x10', '0000000000000010: 0x00 0x00\r\n'],
  ['xp/2xg 0', '0000000000000000: 0x0000000000000000 0x0000000000000000\r\n'],
  ['xp/4dw 0', '0000000000000000:          0          0          0          0\r\n'],
  ['qom-list', '/\r\n'],
  ['qom-list /objects', 'type (string)\r\nio0 (child<iothread>)\r\n'],
  ['qom-get /objects/io0 poll-max-ns', '32768\r\n'],
  ['qom-get /objects/io0 foo', "Error: Property 'iothread.foo' not found\r\n"],
  ['qom-get /foo x', "Error: Device '/foo' not found\r\n"],
  ['device_add foo', "Error: 'foo' is not a valid device model name\r\n"],
  ['device_add', "Error: Parameter 'driver' is missing\r\n"],
  ['device_del foo', "Error: Device 'foo' not found\r\n"],
  ['getfd a', 'Error: No file descriptor supplied via SCM_RIGHTS\r\n'],
  ['closefd a', "Error: File descriptor named 'a' not found\r\n"],
  ['chardev-add', 'chardev-add: string expected\r\nTry "help chardev-add" for more information\r\n'],
  ['chardev-add foo,id=x', "Error: 'foo' is not a valid char driver name\r\n"],
  ['chardev-remove zz', "Error: Chardev 'zz' not found\r\n"],
  ['chardev-send-break c0', ''],
  ['cpu 9', 'invalid CPU index\r\n'],
  ['print/x 1+2', '0x3\r\n'],
  ['print/d (1+2)*3 - ~0', '10\r\n'],
  ['p/d 1|6+1', '8\r\n'],
  ['p 08', 'print|p: extraneous characters at the end of line\r\nTry "help p" for more information\r\n'],
  [' p/4z 1', 'invalid char in format: \'z\'\r\nTry "help  p" for more information\r\n'],
  ['x/4xb 0xfffffffffffffff0', 'fffffffffffffff0: Cannot access memory\r\n'],
  ['sum 0 16', '00000\r\n'],
  ['p/x 255', '0xff\r\n'],
  ['p 1/0', 'division by zero\r\nTry "help p" for more information\r\n'],
  ['object_del zz', "Error: object 'zz' not found\r\n"],
  ['object_add foo', "Error: Parameter 'qom-type' does not accept value 'foo'\r\n"],
  ['migrate_set_capability foo on', 'Error: invalid parameter value: foo\r\n'],
  ['migrate_set_parameter foo 1', 'Error: invalid parameter value: foo\r\n'],
] as const;

for (const [text, printed] of LINES) {
  test(`the human monitor answers '${text}' as QEMU does`, async () => {
    assert.equal(await line(text), printed);
  });
}

test('lines act on the machine', async () => {
  assert.equal(await line('qom-set /objects/io0 poll-max-ns 5'), '');
  assert.equal(await line('qom-get /objects/io0 poll-max-ns'), '5\r\n');
  assert.equal(await line('chardev-add null,id=c1'), '');
  assert.match(await line('info chardev'), /c1: filename=null/);
  assert.equal(await line('chardev-remove c1'), '');
  assert.equal(await line('object_add iothread,id=io1'), '');
  assert.match(await line('info iothreads'), /io1:\r\n {2}thread_id=\d+\r\n {2}poll-max-ns=32768\r\n/);
  assert.equal(await line('object_del io1'), '');
  assert.equal(await line('migrate_set_parameter max-bandwidth 1'), '');
  assert.match(await line('info migrate_parameters'), /max-bandwidth: 1048576 bytes\/second\r\n/);
  assert.equal(await line('device_add vfio-model,id=e'), '');
  assert.match(await line('info qom-tree'), / {4}\/e \(vfio-model\)\r\n/);
  assert.match(await line('info vfio'), /\/machine\/peripheral\/e: running\r\n/);
  assert.equal(await line('device_del e'), '');
  assert.equal(await line('cont'), '');
  assert.equal(await line('info status'), 'VM status: running\r\n');
  assert.equal(await line('stop'), '');
  assert.equal(await line('info status'), 'VM status: paused\r\n');
});

test('info pci shows what the configuration spaces of the devices say', async () => {
  const lines = (await line('info pci')).split('\r\n');
  assert.equal(lines[0], '  Bus  0, device   0, function 0:');
  assert.match(lines[1]!, /^ {4}[A-Z].+: PCI device [0-9a-f]{4}:[0-9a-f]{4}$/);
  assert.match(lines[2]!, /^ {6}PCI subsystem [0-9a-f]{4}:[0-9a-f]{4}$/);
  assert(lines.some((text) => /^ {6}BAR0: 64 bit memory at 0x10000000000 \[0x[0-9a-f]{11}\]\.$/.test(text)));
  assert.equal(lines.at(-2), '      id "d"');
});

test('cpu-index chooses the vCPU of one line', async () => {
  assert.match(await line('info cpus', 1), /^ {2}CPU #0: .*\r\n\* CPU #1: /);
  assert.match(await line('info registers', 1), /^\r\nCPU#1\r\n/);
  await assert.rejects(line('info cpus', 9), { message: "Parameter 'cpu-index' expects a CPU number" });
});

test('every command has help', async () => {
  for (const entry of (await line('help')).trim().split('\r\n')) assert.match(entry, / -- \S|^\t/);
});

test('a person types lines, edits them, and recalls earlier ones', async () => {
  const monitor = new InteractiveMonitor('human', machine.machine);
  const [near, far] = createMemoryTransports();
  const ended = monitor.attach(near);
  let screen = '';
  far.start({
    data: (chunk) => {
      screen += Buffer.from(chunk).toString();
    },
    drain: () => {},
    ended: () => far.end(),
    closed: () => {},
  });
  const type = async (keys: string): Promise<string> => {
    const before = screen.length;
    far.write(Buffer.from(keys));
    await machine.clock.advance(1);
    return screen.slice(before);
  };
  await machine.clock.advance(1);
  assert.match(screen, /^QEMU \d+\.\d+\.\d+ monitor - type 'help' for more information\r\n\(qemu\) $/);
  assert.equal(await type('ab'), 'a\x1b[K\x1b[Dab\x1b[K');
  assert.equal(await type('\b\x17'), '\x1b[D\x1b[Da\x1b[K\x1b[D\x1b[K');
  assert.match(await type('info name\n'), /\r\nvm1\r\n\(qemu\) $/);
  assert.equal(await type('\x1b[A'), 'info name\x1b[K');
  assert.equal(await type('\n'), '\r\nvm1\r\n(qemu) ');
  assert((await type('info na\t\n')).endsWith('info name \x1b[K\r\nvm1\r\n(qemu) '));
  const listed = 'info v\x1b[K\r\nversion   vfio      vnc       \r\n(qemu) info v\x1b[K';
  assert((await type('info v\t')).endsWith(listed));
  assert.match(await type('\x17\x17cpu 1\ninfo cpus\n'), /\* CPU #1/);
  assert.match(
    await type('info history\n'),
    /\r\n0: 'info name'\r\n1: 'info name '\r\n2: 'cpu 1'\r\n3: 'info cpus'\r\n4: 'info history'\r\n/,
  );
  assert.match(await type('change vnc password\n'), /\r\nPassword: $/);
  assert.equal(await type('ab\n'), '*\x1b[K\x1b[D**\x1b[K\r\n(qemu) ');
  far.end();
  assert.equal(await ended, undefined);
});
