import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODELS, modelProperties } from '../src/index.js';
import { rig } from './rig.js';

test('sizes take suffixes, switches take on and off, JSON values are taken as they are', () => {
  const { device } = rig('nic', {
    'state-size': '64K',
    'dma-rate': '1.5M',
    p2p: 'off',
    'pre-copy': true,
    latency: '2.5',
  });
  assert.equal(device.properties.number('state-size'), 65536);
  assert.equal(device.properties.number('dma-rate'), 1.5 * 2 ** 20);
  assert.equal(device.properties.number('latency'), 2.5);
  assert.deepEqual(device.flags, { p2p: false, preCopy: true });
  assert.equal(device.compatible, 'nic,state-size=65536');
});

test('what is unknown or makes no sense is refused in one clear line', () => {
  for (const [model, properties, message] of [
    [
      'toaster',
      {},
      "Property 'vfio-model.model' doesn't take value 'toaster': expected one of 'nic', 'gpu', 'block', 'crypto'",
    ],
    ['nic', { 'state-sise': 1 }, "Property 'vfio-model.state-sise' not found"],
    ['nic', { 'aperture-size': 4096 }, "Property 'vfio-model.aperture-size' not found"],
    [
      'nic',
      { 'state-size': 'big' },
      "Property 'vfio-model.state-size' doesn't take value 'big': expected a size in bytes (suffixes K, M, G, T)",
    ],
    [
      'nic',
      { 'state-size': 5000 },
      "Property 'vfio-model.state-size' doesn't take value '5000': expected a multiple of 4096",
    ],
    [
      'nic',
      { 'state-size': 0 },
      "Property 'vfio-model.state-size' doesn't take value '0': expected a size in bytes (suffixes K, M, G, T) from 4096 to 2147483648",
    ],
    [
      'gpu',
      { 'state-size': 8192, 'aperture-size': 12288 },
      "Property 'vfio-model.aperture-size' doesn't take value '12288': expected at most state-size (8192)",
    ],
    ['nic', { p2p: 'maybe' }, "Property 'vfio-model.p2p' doesn't take value 'maybe': expected 'on' or 'off'"],
    [
      'nic',
      { latency: -1 },
      "Property 'vfio-model.latency' doesn't take value '-1': expected a time in milliseconds",
    ],
    [
      'nic',
      { 'fail-arc': 'stop->pre-copy' },
      "Property 'vfio-model.fail-arc' doesn't take value 'stop->pre-copy': expected arcs such as 'stop->stop-copy', joined by '+'",
    ],
    [
      'nic',
      { 'fail-leaves': 'nowhere' },
      "Property 'vfio-model.fail-leaves' doesn't take value 'nowhere': expected one of 'from', 'error'",
    ],
  ] as const) {
    assert.throws(() => rig(model, properties), { name: 'PropertyError', message });
  }
});

test('every property has a name of its own, a description and a default that it would take', () => {
  for (const model of MODELS.keys()) {
    const properties = modelProperties(model);
    assert.equal(new Set(properties.map((property) => property.name)).size, properties.length);
    for (const property of properties) assert.ok(property.description.length > 0, property.name);
  }
});

test('registers of a model do not overlap and lie inside of the region', () => {
  for (const { name, registers } of MODELS.values()) {
    const offsets = Object.values(registers).map((register) => register.offset);
    assert.equal(new Set(offsets).size, offsets.length, name);
    assert.ok(
      offsets.every((offset) => offset % 4 === 0 && offset >= 0x100 && offset < 4096),
      name,
    );
    assert.ok(name.length <= 16);
  }
});
