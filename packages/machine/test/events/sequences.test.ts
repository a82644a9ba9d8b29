import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MachinePair } from '../support/machine-pair.js';
import { type DocumentedRow, documentedRows } from './documented-rows.js';
import {
  FAILING_SCENARIOS,
  type FailingArc,
  KINDS,
  pairOptions,
  parseFailingArc,
  play,
  SCENARIOS,
  type Scenario,
} from './scenarios.js';

/** What a device behind a 2018 region can be: it has no P2P states. */
const V1_KINDS = ['neither', 'PRE_COPY'];
const rows = documentedRows();

for (const row of rows) {
  const { scenario, kinds, failing } = scenarioOf(row);
  const protocols = V1_KINDS.includes(kinds) && failing === undefined ? ['v2', 'v1'] : ['v2'];
  for (const protocol of protocols) {
    test(`EVENTS.md: ${row.section}, ${row.subject}${protocol === 'v2' ? '' : ` by ${protocol}`}`, async (context) => {
      const pair = await MachinePair.create(context, pairOptions(scenario, kinds, protocol, failing));
      const start = pair.source.events.length;
      await play(pair, scenario);
      const alone = !kinds.includes('+');
      assert.deepEqual(shown(pair.source.events.slice(start), alone), row.source);
      assert.deepEqual(shown(pair.destination.events, alone), row.destination);
    });
  }
}

test('EVENTS.md has a row for every scenario and every kind of device', () => {
  for (const [section, { kinds = Object.keys(KINDS) }] of Object.entries(SCENARIOS)) {
    const subjects = rows.filter((row) => row.section === section).map(({ subject }) => subject);
    for (const kind of kinds) assert.ok(subjects.includes(kind), `${section}: ${kind}`);
  }
});

test('no row of EVENTS.md has the same state of a device twice in a row, or its error state', () => {
  for (const { section, subject, source, destination } of rows) {
    for (const events of [source, destination]) {
      const last = new Map<string, string>();
      for (const event of events) {
        if (/^[A-Z]/.test(event)) continue;
        const [, device = '', state = ''] = /^(?:(\w) )?([\w-]+)$/.exec(event) ?? [];
        assert.notEqual(state, last.get(device), `${section}: ${subject}`);
        assert.notEqual(state, 'error');
        last.set(device, state);
      }
    }
  }
});

interface PlayedRow {
  readonly scenario: Scenario;
  readonly kinds: string;
  readonly failing?: FailingArc;
}

function scenarioOf({ section, subject }: DocumentedRow): PlayedRow {
  const failing = FAILING_SCENARIOS[section];
  if (failing !== undefined) {
    const arc = parseFailingArc(subject);
    return { scenario: failing, kinds: arc.kinds, failing: arc };
  }
  const scenario = SCENARIOS[section];
  if (scenario === undefined) throw new Error(`EVENTS.md: nobody knows how to play '${section}'`);
  return { scenario, kinds: subject };
}

/** As the document writes it: a device that is alone needs no name, and passes are not shown. */
function shown(events: readonly string[], alone: boolean): string[] {
  const plain = events.filter((event) => event !== 'MIGRATION_PASS');
  return alone ? plain.map((event) => event.replace(/^d /, '')) : plain;
}
