import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMMON_REGISTERS, DeviceState, MODELS } from '../src/index.js';
import { drain, readRegister, rig, saved, writeRegister } from './rig.js';

const MODEL_NAMES = [...MODELS.keys()];
const SCRATCH = COMMON_REGISTERS.SCRATCH2.offset;

for (const model of MODEL_NAMES) {
  test(`${model}: registers and memory arrive, however the stream is cut`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 }),
        fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1000, max: 100_000 })),
        async (cuts, readChunk) => {
          const source = rig(model, { 'dirty-rate': '2M' }, { seed: 7 });
          const target = rig(model, {}, { seed: 8 });
          writeRegister(source.device, SCRATCH, 0xdeadbeef);
          await source.clock.advance(20);
          const chunks: Uint8Array[] = [];
          if (source.device.flags.preCopy) {
            await source.device.setState(DeviceState.PRE_COPY);
            chunks.push(...(await drain(source.device, readChunk)));
            await source.clock.advance(20);
          }
          await source.device.setState(DeviceState.STOP_COPY);
          chunks.push(...(await drain(source.device, readChunk)));
          await target.device.setState(DeviceState.RESUMING);
          const stream = Buffer.concat(chunks);
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const length = cuts[cut % cuts.length]!;
            await target.device.writeData(stream.subarray(at, at + length));
            at += length;
          }
          await target.device.setState(DeviceState.RUNNING);
          assert.equal(readRegister(target.device, SCRATCH), 0xdeadbeef);
          const { blocks, errors } = target.device.verify();
          assert.ok(blocks > 0);
          assert.equal(errors, 0);
          source.device.close();
          target.device.close();
          assert.equal(source.clock.pendingTimers, 0);
        },
      ),
      { numRuns: 15 },
    );
  });

  test(`${model}: a stream with any byte changed, left out or added is refused, and a reset helps`, async () => {
    const source = rig(model);
    const stream = await saved(source.device);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(stream.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (position, flip) => {
          const flipped = Uint8Array.from(stream);
          flipped[position]! ^= flip;
          const truncated = stream.subarray(0, position);
          const extended = Buffer.concat([stream, stream.subarray(0, flip)]);
          for (const bad of [flipped, truncated, extended]) {
            const { device } = rig(model);
            await device.setState(DeviceState.RESUMING);
            await assert.rejects(
              async () => {
                await device.writeData(bad);
                await device.setState(DeviceState.RUNNING);
              },
              { name: 'VfioError', code: 'EINVAL', message: /^device stream rejected after \d+ bytes: / },
            );
            if (device.state === DeviceState.RESUMING) {
              await assert.rejects(device.setState(DeviceState.STOP), { code: 'EINVAL' });
            }
            assert.equal(device.state, DeviceState.ERROR);
            await device.reset();
            assert.equal(device.state, DeviceState.RUNNING);
            assert.equal(device.verify().errors, 0);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
}

test('a stream of another model or another size says so', async () => {
  const stream = await saved(rig('nic').device);
  for (const [model, properties, message] of [
    ['crypto', {}, /of a device of model 'nic', but this is a 'crypto'/],
    ['nic', { 'state-size': 32768 }, /of a state of 16 blocks of 4096 bytes, but this device has 8 of 4096/],
  ] as const) {
    const { device } = rig(model, properties);
    await device.setState(DeviceState.RESUMING);
    await assert.rejects(device.writeData(stream), { code: 'EINVAL', message });
  }
});

test('the contents check themselves: a byte changed behind the device is found by the guest', async () => {
  const { device } = rig('gpu');
  const stream = await saved(device);
  await device.setState(DeviceState.RUNNING);
  writeRegister(device, COMMON_REGISTERS.CONTROL.offset, 1);
  assert.equal(readRegister(device, COMMON_REGISTERS.VERIFIED.offset), 15);
  assert.equal(readRegister(device, COMMON_REGISTERS.ERRORS.offset), 0);
  assert.equal(readRegister(device, COMMON_REGISTERS.CHECKS.offset), 1);
  assert.ok(stream.length > 16 * 4096);
});
