import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  decodeField,
  encodeField,
  fieldsAt,
  V1_FIELD_NAMES,
  V1_FIELDS,
  V1_INFO_SIZE,
  V1_REGION_SUBTYPE,
  V1_REGION_TYPE,
  V1State,
} from '../src/index.js';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

/** The structure and the constants as the document declares them, and what the compiler makes of them. */
const PROGRAM = `
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
typedef uint32_t __u32;
typedef uint64_t __u64;
#define VFIO_REGION_TYPE_MIGRATION (1 << 30)
#define VFIO_REGION_SUBTYPE_MIGRATION (1)
enum { NONE, RUNNING, MIGRATION_SETUP, MIGRATION_PRECOPY, MIGRATION_STOPNCOPY, MIGRATION_SAVE_COMPLETED,
       MIGRATION_RESUME, MIGRATION_RESUME_COMPLETED, MIGRATION_FAILED, MIGRATION_CANCELLED };
struct vfio_device_migration_info {
  __u32 device_state;
  struct { __u64 precopy_only; __u64 compatible; __u64 postcopy_only; __u64 threshold_size; } pending;
  struct { __u64 offset; __u64 size; } data;
  struct { __u64 start_addr; __u64 total; __u64 copied; } dirty_pfns;
} __attribute__((packed));
int main(void) {
  struct vfio_device_migration_info *info = 0;
${V1_FIELD_NAMES.map(
  (name) =>
    `  printf("${name} %zu %zu\\n", offsetof(struct vfio_device_migration_info, ${name}), sizeof(info->${name}));`,
).join('\n')}
${Object.keys(V1State)
  .map((name) => `  printf("${name} %d\\n", ${name});`)
  .join('\n')}
  printf("sizeof %zu\\n", sizeof(*info));
  printf("type %d subtype %d\\n", VFIO_REGION_TYPE_MIGRATION, VFIO_REGION_SUBTYPE_MIGRATION);
  return 0;
}
`;

test('the C compiler lays the packed structure out as the table says', { skip: !hasCompiler }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-v1-'));
  try {
    const source = join(folder, 'layout.c');
    const program = join(folder, 'layout');
    writeFileSync(source, PROGRAM);
    const compiled = spawnSync('cc', ['-o', program, source], { encoding: 'utf8' });
    assert.equal(compiled.status, 0, compiled.stderr);
    const { stdout } = spawnSync(program, { encoding: 'utf8' });
    const expected = [
      ...V1_FIELD_NAMES.map((name) => `${name} ${V1_FIELDS[name].offset} ${V1_FIELDS[name].size}`),
      ...Object.entries(V1State).map(([name, number]) => `${name} ${number}`),
      `sizeof ${V1_INFO_SIZE}`,
      `type ${V1_REGION_TYPE} subtype ${V1_REGION_SUBTYPE}`,
    ];
    assert.deepEqual(stdout.trim().split('\n'), expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the fields follow one another without a gap, 76 bytes in all', () => {
  let end = 0;
  for (const name of V1_FIELD_NAMES) {
    assert.equal(V1_FIELDS[name].offset, end, name);
    end += V1_FIELDS[name].size;
  }
  assert.equal(end, 76);
});

test('values are little-endian, and one beyond 2^53 is refused by name', () => {
  assert.deepEqual([...encodeField('device_state', 0x01020304)], [4, 3, 2, 1]);
  assert.deepEqual([...encodeField('data.size', 2 ** 40 + 5)], [5, 0, 0, 0, 0, 1, 0, 0]);
  assert.equal(decodeField('data.size', encodeField('data.size', 2 ** 53 - 1)), 2 ** 53 - 1);
  assert.throws(() => decodeField('pending.compatible', new Uint8Array(8).fill(0xff)), {
    code: 'EOVERFLOW',
    message: 'pending.compatible is 0xffffffffffffffff, which is beyond 2^53',
  });
  assert.throws(() => encodeField('data.size', -1), { code: 'EINVAL' });
});

test('an access covers whole fields or none', () => {
  assert.deepEqual(fieldsAt(0, 4), ['device_state']);
  assert.deepEqual(fieldsAt(36, 16), ['data.offset', 'data.size']);
  assert.equal(fieldsAt(0, 76)?.length, V1_FIELD_NAMES.length);
  for (const [offset, length] of [
    [0, 8],
    [2, 2],
    [4, 4],
    [72, 8],
    [76, 4],
  ] as const) {
    assert.equal(fieldsAt(offset, length), undefined);
  }
});
