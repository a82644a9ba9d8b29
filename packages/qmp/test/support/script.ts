import assert from 'node:assert/strict';
import { VirtualClock } from '@godwit/clock';
import {
  createMemoryTransports,
  QmpClient,
  type QmpClientOptions,
  type UntypedCommands,
  type UntypedEvents,
} from '../../src/index.js';
import { plain, Wire } from './wire.js';

/** A client against a server that says what the test tells it to. */
export async function connectToScript(options: QmpClientOptions<UntypedCommands, UntypedEvents> = {}) {
  const clock = new VirtualClock();
  const [ours, theirs] = createMemoryTransports();
  const wire = new Wire(ours);
  const connecting = QmpClient.connect(theirs, { clock, ...options });
  connecting.catch(() => {});
  return { clock, wire, connecting };
}

export const greeting =
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 10}, "package": ""}, "capabilities": ["oob"]}}\r\n';

/** Lets the client in. */
export async function greet(script: Awaited<ReturnType<typeof connectToScript>>): Promise<QmpClient> {
  script.wire.send(greeting);
  const [request] = await script.wire.take();
  assert.deepEqual(request, plain('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}'));
  script.wire.send('{"return": {}}');
  return script.connecting;
}
