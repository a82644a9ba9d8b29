import { command, type Exchange, monitorLine, type Scenario } from '../../exchange.js';

const query: Exchange = { send: command('query-migrate') };
const goOn = (state: string): Exchange => ({ send: command('migrate-continue', `{"state": ${state}}`) });

/** What is out of place here, whatever has happened before. */
const outOfPlace: readonly Exchange[] = [
  ...['"none"', '"setup"', '"active"', '"pre-switchover"', '"completed"', '"nothing"', '1'].map(goOn),
  { send: command('migrate-continue') },
  { send: command('migrate-pause') },
  { send: command('migrate-recover', '{"uri": "unix:/nowhere"}') },
  { send: command('migrate-recover') },
  { send: command('migrate', '{"uri": "unix:/nowhere/x", "resume": true}') },
  { send: command('migrate', '{"uri": "foo", "resume": true}') },
  { send: command('migrate', '{"uri": 1}') },
  { send: command('migrate', '{"uri": "exec:cat", "resume": 1}') },
  { send: command('migrate-incoming', '{"uri": "unix:/nowhere/x"}') },
  { send: command('migrate-incoming', '{"uri": 1}') },
  { send: command('yank', '{"instances": [{"type": "migration"}]}') },
  monitorLine('migrate_pause'),
  monitorLine('migrate_recover x'),
  monitorLine('migrate_continue none'),
  monitorLine('migrate_incoming unix:/nowhere/x'),
  { send: command('migrate_cancel') },
  query,
];

export const stateScenarios: readonly Scenario[] = [
  {
    name: 'a machine that nobody has migrated, and one whose migration failed',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      query,
      ...outOfPlace,
      { send: command('migrate', '{"uri": "unix:"}') },
      query,
      ...outOfPlace,
      goOn('"failed"'),
      { send: command('migrate', '{"uri": "fd:nothing"}') },
      query,
      { send: command('migrate', '{"uri": "foo"}') },
      query,
      { send: command('cont'), replies: 2 },
      { send: command('migrate', '{"uri": "tcp:"}') },
      { send: command('query-status') },
    ],
  },
  {
    name: 'a machine that waits for its source',
    negotiate: 'plain',
    machine: ['-incoming', 'unix:FOLDER/migration'],
    exchanges: [
      { send: command('query-yank') },
      { send: command('migrate', '{"uri": "unix:FOLDER/migration"}') },
      { send: command('migrate', '{"uri": "foo"}') },
      { send: command('migrate-incoming', '{"uri": "unix:FOLDER/other"}') },
      { send: command('migrate-pause') },
      { send: command('migrate-recover', '{"uri": "unix:FOLDER/other"}') },
      goOn('"none"'),
      goOn('"pre-switchover"'),
      { send: command('migrate_cancel') },
      { send: command('query-status') },
      { send: command('cont') },
      { send: command('query-status') },
    ],
  },
];
