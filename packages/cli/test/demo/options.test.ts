import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_OPTIONS, parseOptions } from '../../src/demo/options.js';
import { UsageError } from '../../src/io.js';

const MIB = 2 ** 20;

test('without options the demo is that of the README', () => {
  assert.deepEqual(parseOptions([]), DEFAULT_OPTIONS);
});

test('sizes and the way are taken, after a space or an equals sign', () => {
  const args = [
    '--ram',
    '1G',
    '--dirty-rate=1.5M',
    '--device-state',
    '4M,8M',
    '--transport=tcp',
    '--bandwidth=100M',
    '--downtime-limit',
    '50',
    '--remote',
    '--json',
  ];
  assert.deepEqual(parseOptions(args), {
    ram: 1024 * MIB,
    dirtyRate: 1.5 * MIB,
    deviceState: { nic: 4 * MIB, gpu: 8 * MIB },
    transport: 'tcp',
    bandwidth: 100 * MIB,
    downtimeLimit: 50,
    remote: true,
    json: true,
  });
});

test('one device state is for both devices', () => {
  const options = parseOptions(['--device-state', '16M']);
  assert.deepEqual(options.deviceState, { nic: 16 * MIB, gpu: 16 * MIB });
});

for (const [args, message] of [
  [['--nonsense'], "unknown option '--nonsense'"],
  [['more'], "unknown option 'more'"],
  [['--ram'], '--ram needs a value'],
  [['--ram', 'much'], "--ram: 'much' is no size (such as 512M)"],
  [['--ram', '1M'], '--ram: 1M is less than the least, 16 MiB'],
  [['--ram', '16777217'], '--ram: 16777217 is no multiple of 4096 bytes'],
  [['--dirty-rate', '-1'], "--dirty-rate: '-1' is no size (such as 512M)"],
  [['--device-state', '1M,2M,3M'], "--device-state: '1M,2M,3M' is more than two sizes"],
  [['--device-state', '4G'], '--device-state: 4G is more than the most, 2 GiB'],
  [['--device-state', '4K'], '--device-state: 4K is less than the least, 128 KiB'],
  [['--bandwidth', '1'], '--bandwidth: 1 is less than the least, 1 MiB'],
  [['--downtime-limit', '0'], "--downtime-limit: '0' is no number of milliseconds from 1 to 2000000"],
  [['--downtime-limit', '1.5'], "--downtime-limit: '1.5' is no number of milliseconds from 1 to 2000000"],
  [['--transport', 'pigeon'], "--transport: 'pigeon' is neither unix nor tcp"],
  [['--json=yes'], '--json takes no value'],
  [['--remote=yes'], '--remote takes no value'],
] as const) {
  test(`${args.join(' ')} is refused in one line`, () => {
    assert.throws(() => parseOptions(args), new UsageError(message));
  });
}
