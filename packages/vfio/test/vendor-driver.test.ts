import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogic, DeviceState, type MigrationRegion, V1State, VendorDriver } from '../src/index.js';
import { rig, TestMemory } from './rig.js';

/** A little-endian field as bytes, written out by hand. */
const u32 = (value: number) => Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
const u64 = (value: number) => Uint8Array.of(value, value >> 8, value >> 16, value >> 24, 0, 0, 0, 0);

async function peek(region: MigrationRegion, offset: number): Promise<number> {
  const bytes = new Uint8Array(8);
  await region.read(offset, bytes);
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

function driver(mapped: boolean, areaSize = 8192) {
  const memory = new TestMemory(1 << 20);
  const { device, clock } = rig(
    'nic',
    { p2p: false, 'dma-rate': '1M', 'dma-address': 65536, 'dma-size': 16384 },
    { memory },
  );
  return { region: new VendorDriver(new DeviceLogic(device, 1 << 20), { areaSize, mapped }), device, clock };
}

for (const mapped of [true, false]) {
  const area = mapped ? 4096 : 76;

  test(`a device is saved and loaded by hand-made bytes (${mapped ? 'mapped' : 'trapped'} data area)`, async () => {
    const source = driver(mapped);
    const target = driver(mapped);
    for (const state of [V1State.MIGRATION_SETUP, V1State.MIGRATION_PRECOPY]) {
      await source.region.write(0, u32(state));
    }
    await target.region.write(0, u32(V1State.NONE));
    await target.region.write(0, u32(V1State.MIGRATION_RESUME));
    let total = 0;
    const pump = async () => {
      for (;;) {
        await source.region.write(28, u64(65536));
        const pending =
          (await peek(source.region, 4)) + (await peek(source.region, 12)) + (await peek(source.region, 20));
        if (pending === 0) return;
        const offset = await peek(source.region, 36);
        const size = await peek(source.region, 44);
        if (size === 0) return;
        assert.equal(offset, area);
        const data = new Uint8Array(size);
        await source.region.read(offset, data);
        total += size;
        await target.region.write(area, data);
        await target.region.write(36, u64(area));
        await target.region.write(44, u64(size));
      }
    };
    await pump();
    assert.ok(total > 16 * 4096);
    await source.region.write(0, u32(V1State.MIGRATION_STOPNCOPY));
    await pump();
    await source.region.write(0, u32(V1State.MIGRATION_SAVE_COMPLETED));
    await target.region.write(0, u32(V1State.MIGRATION_RESUME_COMPLETED));
    await target.region.write(0, u32(V1State.RUNNING));
    assert.deepEqual(target.device.verify(), { blocks: 16, errors: 0 });
    source.device.close();
    target.device.close();
  });
}

test('in PRECOPY the three counts are the first pass, what changed, and what only a stopped device gives', async () => {
  const { region, device } = driver(true);
  await region.write(0, u32(V1State.MIGRATION_SETUP));
  await region.write(0, u32(V1State.MIGRATION_PRECOPY));
  assert.ok((await peek(region, 4)) >= 16 * 4096);
  assert.equal(await peek(region, 12), 0);
  assert.ok((await peek(region, 20)) > 0);
  await region.write(0, u32(V1State.MIGRATION_STOPNCOPY));
  assert.equal(await peek(region, 4), 0);
  assert.ok((await peek(region, 20)) > 16 * 4096);
  device.close();
});

test('the source runs again after FAILED and after CANCELLED, from before and after the stop', async () => {
  for (const end of [V1State.MIGRATION_FAILED, V1State.MIGRATION_CANCELLED]) {
    for (const way of [[V1State.MIGRATION_PRECOPY], [V1State.MIGRATION_STOPNCOPY]]) {
      const { region, device } = driver(true);
      await region.write(0, u32(V1State.MIGRATION_SETUP));
      for (const state of way) await region.write(0, u32(state));
      await region.write(0, u32(end));
      await region.write(0, u32(V1State.RUNNING));
      assert.equal(device.state, DeviceState.RUNNING);
      device.close();
    }
  }
});

test('a device that was to be loaded stays stopped after FAILED and after CANCELLED, until RUNNING is written', async () => {
  for (const end of [V1State.MIGRATION_FAILED, V1State.MIGRATION_CANCELLED]) {
    const { region, device } = driver(true);
    await region.write(0, u32(V1State.NONE));
    await region.write(0, u32(V1State.MIGRATION_RESUME));
    await region.write(0, u32(end));
    assert.equal(device.state, DeviceState.STOP);
    await region.write(0, u32(V1State.RUNNING));
    assert.equal(device.state, DeviceState.RUNNING);
    assert.equal(device.verify().errors, 0);
    device.close();
  }
});

test('the dirty bitmap comes in portions as large as the data area, bits for dirty pages only', async () => {
  const { region, device, clock } = driver(true, 4096);
  const pages = (1 << 20) / 4096;
  await region.write(0, u32(V1State.MIGRATION_SETUP));
  await clock.advance(100);
  await region.write(52, u64(0));
  await region.write(60, u64(pages));
  assert.equal(await peek(region, 68), pages);
  assert.equal(await peek(region, 36), 4096);
  const bitmap = new Uint8Array(pages / 8);
  await region.read(4096, bitmap);
  assert.deepEqual(
    [...bitmap],
    Array.from({ length: pages / 8 }, (_, index) => (index === 2 ? 0b1111 : 0)),
  );
  assert.equal(await peek(region, 68), 0);
  device.close();
});

test('what user space does wrong is refused with the field and its value', async () => {
  const { region, device } = driver(true);
  const refused: [string, () => Promise<void>, RegExp][] = [
    ['a number that is no state', () => region.write(0, u32(10)), /^device_state 10 is no state$/],
    [
      'a state out of order',
      () => region.write(0, u32(V1State.MIGRATION_STOPNCOPY)),
      /^device_state cannot go from RUNNING \(1\) to MIGRATION_STOPNCOPY \(4\)$/,
    ],
    [
      'a buffer while nothing is saved',
      () => region.read(36, new Uint8Array(8)),
      /^data\.offset was read in device_state RUNNING \(1\)$/,
    ],
    [
      'data while nothing is resumed',
      () => region.write(44, u64(10)),
      /^data\.size was written \(10\) in device_state RUNNING \(1\)$/,
    ],
    ['an answer written', () => region.write(4, u64(1)), /^pending\.precopy_only was written \(1\)/],
    ['half a field', () => region.read(4, new Uint8Array(4)), /^access of 4 bytes at 4 splits a field$/],
    ['the gap before the data', () => region.read(80, new Uint8Array(4)), /is neither in the structure/],
    ['beyond the region', () => region.read(4096, new Uint8Array(9000)), /is neither in the structure/],
    [
      'a count before the address',
      () => region.write(60, u64(5)),
      /^dirty_pfns\.total was written \(5\) before dirty_pfns\.start_addr$/,
    ],
    [
      'an unaligned address',
      () => region.write(52, u64(5)),
      /^dirty_pfns\.start_addr 0x5 is not aligned to 4096$/,
    ],
    [
      'a bitmap that was not asked for',
      () => region.read(68, new Uint8Array(8)),
      /^dirty_pfns\.copied was read before dirty_pfns\.total was written$/,
    ],
    [
      'pages beyond RAM',
      async () => {
        await region.write(52, u64(0));
        await region.write(60, u64(257));
        await region.read(68, new Uint8Array(8));
      },
      /^dirty_pfns\.start_addr 0x0 and 257 pages are beyond 1048576 bytes of RAM$/,
    ],
  ];
  for (const [name, access, message] of refused) {
    await assert.rejects(access, { name: 'VfioError', code: 'EINVAL', message }, name);
  }
  await region.write(0, u32(V1State.NONE));
  await region.write(0, u32(V1State.MIGRATION_RESUME));
  await assert.rejects(region.write(44, u64(10)), {
    message: 'data.size was written (10) before data.offset',
  });
  for (const [offset, size] of [
    [0, 10],
    [4096, 0],
    [4096, 8193],
    [20000, 1],
  ] as const) {
    await region.write(36, u64(offset));
    await assert.rejects(region.write(44, u64(size)), {
      message: `data.offset ${offset} and data.size ${size} are not in the data area [4096, 12288)`,
    });
  }
  assert.equal(device.state, 4);
  device.close();
});

test('looking at the whole structure starts nothing', async () => {
  const { region, device } = driver(true);
  const info = new Uint8Array(76);
  await region.read(0, info);
  assert.deepEqual([...info.subarray(0, 4)], [1, 0, 0, 0]);
  assert.ok(info.subarray(4).every((byte) => byte === 0));
  device.close();
});
