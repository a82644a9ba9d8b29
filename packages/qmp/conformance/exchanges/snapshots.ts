import { type MonitorExchange, monitorLine, type Scenario } from '../exchange.js';

const lines = (...texts: string[]): MonitorExchange[] => texts.map((text) => monitorLine(text));

/** A line that stops or starts the guest: the event and the reply come in no order. */
const turning = (text: string): MonitorExchange => ({
  ...monitorLine(text),
  replies: 2,
  unordered: true,
});

const every = lines(
  'info snapshots',
  'savevm',
  'savevm one',
  'savevm "two words"',
  'savevm two words',
  'savevm ""',
  'loadvm',
  'loadvm one',
  'loadvm "two words"',
  'loadvm two words',
  'delvm',
  'delvm one',
  'delvm two words',
  'info snapshots more',
  'info snapshots',
  'info status',
);

/** Neither has a place to keep snapshots: QEMU has no drive here, and our machine no folder. */
export const snapshotScenarios: readonly Scenario[] = [
  {
    name: 'snapshots of a machine that has no place for them',
    negotiate: 'plain',
    exchanges: [...every, ...lines('help savevm', 'help loadvm', 'help delvm', 'help info snapshots')],
  },
  {
    name: 'a guest that runs, and a snapshot that is not there',
    machine: ['-S'],
    negotiate: 'plain',
    exchanges: [
      turning('cont'),
      ...lines('savevm one', 'info status', 'delvm one'),
      turning('loadvm one'),
      ...lines('info status', 'loadvm one', 'info status', 'savevm one'),
      turning('cont'),
      ...lines('info status'),
      turning('stop'),
      ...lines('loadvm one', 'info status'),
    ],
  },
  {
    name: 'snapshots of a machine that waits for a migration',
    machine: ['-incoming', 'defer'],
    negotiate: 'plain',
    exchanges: every,
  },
];
