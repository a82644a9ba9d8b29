import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configurationFrom, OptionError, parseCommandLine } from '../src/index.js';
import { splitKeyValues } from '../src/options/key-values.js';
import { parseNumber, parseSize } from '../src/options/values.js';

const configure = (...args: string[]) => configurationFrom(parseCommandLine(args));

test('any keys and values survive being written as key=value,… with commas doubled', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9-]*$/);
  const pairs = fc.array(fc.record({ key, value: fc.string() }, { noNullPrototype: true }), { minLength: 1 });
  fc.assert(
    fc.property(pairs, (written) => {
      const text = written.map(({ key, value }) => `${key}=${value.replaceAll(',', ',,')}`).join(',');
      assert.deepEqual(splitKeyValues(text), written);
    }),
  );
});

test('a first part without = is the value of the implied key, others are switches', () => {
  assert.deepEqual(splitKeyValues('a,,b,c,d=e', 'name'), [
    { key: 'name', value: 'a,b' },
    { key: 'c', value: undefined },
    { key: 'd', value: 'e' },
  ]);
});

test('sizes are exact, with suffixes and fractions', () => {
  const sizes = [
    ['0', 0n],
    ['512M', 512n << 20n],
    ['1.5G', 3n << 29n],
    ['0x10', 16n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['1e', 2n ** 60n],
    ['16383P', 16383n << 50n],
  ] as const;
  for (const [text, size] of sizes) assert.equal(parseSize('size', text), size);
  for (const text of ['', '-1', '1x', 'M', '1 M', '1.5.5', '16E']) {
    assert.throws(() => parseSize('size', text), OptionError);
  }
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (value) => {
      assert.equal(parseSize('size', String(value)), value);
      assert.equal(parseNumber('n', `0x${value.toString(16)}`), value);
    }),
  );
});

test('-m is in MiB, rounded up to pages', () => {
  assert.equal(configure('-m', '16').memory, 16 * 1024 ** 2);
  assert.equal(configure('-m', 'size=5000b').memory, 8192);
  assert.equal(configure().memory, 128 * 1024 ** 2);
});

test('options of a merged group add up, and the last one wins', () => {
  const { name, memory } = configure('-name', 'a', '-name', 'guest=b,debug-threads=on', '-m', '1', '-m', '2');
  assert.equal(name, 'b');
  assert.equal(memory, 2 * 1024 ** 2);
});

test('devices may be written as options or as JSON', () => {
  const { devices } = configure(
    '-device',
    'vfio-model,id=a,model=gpu,migration-events=on',
    '-device',
    '{"driver": "vfio-model", "id": "b", "state-size": 8192}',
  );
  assert.deepEqual(
    devices.map(({ id, type, properties }) => ({ id, type, properties: { ...properties } })),
    [
      { id: 'a', type: 'vfio-model', properties: { model: 'gpu', 'migration-events': 'on' } },
      { id: 'b', type: 'vfio-model', properties: { 'state-size': 8192 } },
    ],
  );
});

test('-qmp, -monitor, -serial and -mon make character devices and monitors', () => {
  const { chardevs, monitors, serials } = configure(
    ...[
      '-chardev',
      'socket,id=c,host=127.0.0.1,port=4444,server=on,wait=off',
      '-mon',
      'c,mode=control,pretty=on',
    ],
    ...[
      '-qmp',
      'unix:/run/q,,1,server=on,wait=off',
      '-monitor',
      'stdio',
      '-serial',
      'file:/tmp/log',
      '-serial',
      'none',
    ],
  );
  assert.deepEqual(
    chardevs.map(({ id, kind }) => `${id}: ${kind}`),
    ['c: socket', 'compat_monitor0: socket', 'compat_monitor1: stdio', 'serial0: file'],
  );
  assert.deepEqual(chardevs[1], {
    id: 'compat_monitor0',
    kind: 'socket',
    endpoint: { type: 'unix', path: '/run/q,1' },
    server: true,
    wait: false,
    source: '-qmp unix:/run/q,,1,server=on,wait=off',
  });
  assert.deepEqual(
    monitors.map(({ chardev, mode, pretty }) => ({ chardev, mode, pretty })),
    [
      { chardev: 'c', mode: 'control', pretty: true },
      { chardev: 'compat_monitor0', mode: 'control', pretty: false },
      { chardev: 'compat_monitor1', mode: 'readline', pretty: false },
    ],
  );
  assert.deepEqual(serials, ['serial0', undefined]);
});

test('monitors are numbered in the order of the command line, those on a named device as well', () => {
  const { monitors, chardevs } = configure(
    ...[
      '-monitor',
      'null',
      '-chardev',
      'null,id=c',
      '-qmp-pretty',
      'chardev:c',
      '-monitor',
      'none',
      '-qmp',
      'null',
    ],
  );
  assert.deepEqual(
    monitors.map(({ id, mode, chardev, pretty }) => `${id} ${mode} ${chardev}${pretty ? ' pretty' : ''}`),
    [
      'compat_monitor0 readline compat_monitor0',
      'c control c pretty',
      'compat_monitor2 control compat_monitor2',
    ],
  );
  assert.deepEqual(
    chardevs.map(({ id }) => id),
    ['c', 'compat_monitor0', 'compat_monitor2'],
  );
});

test('a short form that cannot be read, or whose name is taken, is refused', () => {
  const mistakes = [
    [['-qmp', 'tcp:'], '-qmp tcp:: parse error: tcp:'],
    [['-qmp', 'none'], "-qmp none: 'none' is not a valid char driver"],
    [['-serial', 'vc:x'], "-serial vc:x: could not connect serial device to character backend 'vc:x'"],
    [
      ['-serial', 'chardev:c'],
      "-serial chardev:c: could not connect serial device to character backend 'chardev:c'",
    ],
    [
      ['-chardev', 'null,id=compat_monitor0', '-qmp', 'null'],
      "-qmp null: Duplicate ID 'compat_monitor0' for chardev",
    ],
    [
      ['-chardev', 'null,id=c', '-qmp', 'chardev:c', '-qmp', 'chardev:c'],
      "-qmp chardev:c: Duplicate ID 'c' for mon",
    ],
    [
      ['-chardev', 'null,id=c', '-mon', 'chardev=c,id=compat_monitor0', '-qmp', 'null'],
      "-qmp null: Duplicate ID 'compat_monitor0' for mon",
    ],
  ] as const;
  for (const [args, message] of mistakes) assert.throws(() => configure(...args), { message });
});

test('-smp completes the topology as QEMU does, or says why it cannot', () => {
  const completed = [
    ['4', { cpus: 4, maxCpus: 4, sockets: 1, cores: 4, threads: 1 }],
    ['4,sockets=2', { cpus: 4, maxCpus: 4, sockets: 2, cores: 2, threads: 1 }],
    ['cores=2,threads=2', { cpus: 4, maxCpus: 4, sockets: 1, cores: 2, threads: 2 }],
    ['1,maxcpus=8,cores=4', { cpus: 1, maxCpus: 8, sockets: 2, cores: 4, threads: 1 }],
  ] as const;
  for (const [text, wanted] of completed) {
    assert.deepEqual(configure('-smp', text).topology, { dies: 1, clusters: 1, ...wanted });
  }
  assert.throws(() => configure('-smp', '4,sockets=3'), /product of the hierarchy must match maxcpus/);
  assert.throws(() => configure('-smp', '4,maxcpus=2'), /maxcpus must be equal to or greater than smp/);
  assert.throws(() => configure('-smp', '0'), /CPU topology parameters must be greater than zero/);
  assert.throws(() => configure('-smp', '65'), /The max CPUs supported by machine 'sim' is 64/);
});

test('a mistake names the option that it is in', () => {
  const mistakes = [
    [['-foo'], '-foo: invalid option'],
    [['disk.img'], 'disk.img: not an option (disk images are not supported)'],
    [['-m'], '-m: requires an argument'],
    [['-chardev', 'null'], '-chardev null: chardev: no id specified'],
    [['-chardev', 'x,id=a'], "-chardev x,id=a: 'x' is not a valid char driver name"],
    [['-chardev', 'null,id=a', '-chardev', 'null,id=a'], "-chardev null,id=a: Duplicate ID 'a' for chardev"],
    [['-mon', 'x'], '-mon x: chardev "x" not found'],
    [['-object', 'foo,id=a'], "-object foo,id=a: Parameter 'qom-type' does not accept value 'foo'"],
    [['-object', 'iothread'], "-object iothread: Parameter 'id' is missing"],
    [['-uuid', 'x'], '-uuid x: failed to parse UUID string: wrong format'],
    [['-accel', 'foo'], '-accel foo: invalid accelerator foo'],
    [['-accel', 'sim,foo=1'], "-accel sim,foo=1: Property 'sim-accel.foo' not found"],
    [['-qmp', 'foo'], "-qmp foo: 'foo' is not a valid char driver"],
    [['-display', 'gtk'], "-display gtk: Parameter 'type' does not accept value 'gtk'"],
  ] as const;
  for (const [args, message] of mistakes) {
    assert.throws(() => configure(...args), { name: 'OptionError', message });
  }
});

test('-set changes an option that was given before, and says what it cannot find', () => {
  const ring = ['-chardev', 'ringbuf,id=a,size=8'];
  assert.deepEqual(
    configure(...ring, '-set', 'chardev.a.size=16').chardevs.map(
      (chardev) => 'size' in chardev && chardev.size,
    ),
    [16],
  );
  const [device] = configure('-device', 'vfio-model,id=n', '-set', 'device.n.model=a,b').devices;
  assert.equal(device?.properties.model, 'a,b');
  const mistakes = [
    [['-set', 'a.b.c'], `-set a.b.c: can't parse: "a.b.c"`],
    [['-set', 'a.b.c=d'], "-set a.b.c=d: There is no option group 'a'"],
    [['-set', 'chardev.a.size=1', ...ring], '-set chardev.a.size=1: there is no chardev "a" defined'],
    [[...ring, '-set', 'chardev.a.foo=1'], "-set chardev.a.foo=1: Invalid parameter 'foo'"],
  ] as const;
  for (const [args, message] of mistakes) assert.throws(() => configure(...args), { message });
});

test('devices that the machine does not have may be asked for as none', () => {
  configure('-parallel', 'none', '-net', 'none', '-nic', 'none', '-vga', 'none');
  assert.throws(() => configure('-vga', 'std'), { message: '-vga std: the machine has no such device' });
});

test('-add-fd names a descriptor and its set', () => {
  const { descriptorSets } = configure('-add-fd', 'fd=5,set=2,opaque=disk', '-add-fd', 'fd=6,set=2');
  assert.deepEqual(
    descriptorSets.map(({ fd, set, opaque }) => ({ fd, set, opaque })),
    [
      { fd: 5, set: 2n, opaque: 'disk' },
      { fd: 6, set: 2n, opaque: undefined },
    ],
  );
  assert.throws(() => configure('-add-fd', 'set=1'), /fd option is required and must be non-negative$/);
  assert.throws(() => configure('-add-fd', 'fd=5'), /set option is required and must be non-negative$/);
});
