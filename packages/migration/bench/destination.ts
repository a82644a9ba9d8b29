// The receiving process of a run: builds its machine, listens, and says how it went.
import { SystemClock } from '@godwit/clock';
import {
  defaultPageDigests,
  defaultRamSharing,
  defaultTimeouts,
  IncomingMigration,
  SocketListener,
} from '../src/index.js';
import { buildMachine, type Scenario } from './scenario.js';

process.once('message', async ({ scenario, path }: { scenario: Scenario; path: string }) => {
  const machine = buildMachine(scenario, 'destination');
  const listener = new SocketListener(1 + scenario.channels);
  await listener.listen({ type: 'unix', path });
  const incoming = new IncomingMigration({
    machine,
    clock: new SystemClock(),
    pageDigests: defaultPageDigests,
    timeouts: defaultTimeouts,
    multifdChannels: () => scenario.channels,
    ramSharing: scenario.sharesRam ? defaultRamSharing : undefined,
  });
  process.send?.('listening');
  const outcome = await incoming.start(() => listener.accept());
  listener.close();
  if (outcome !== 'completed') throw incoming.error;
  process.disconnect?.();
});
