import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '@godwit/native';
import { connectedTransport } from '../src/index.js';

const skip = native === undefined ? 'the addon is not there' : false;

test('an answer that is there within a moment is taken without a turn of the event loop, some times in one', {
  skip,
}, async (t) => {
  const [ours, theirs] = native!.socketpair();
  const transport = connectedTransport(ours, native);
  t.after(() => {
    transport.destroy();
    native!.close(theirs);
  });
  let answers = 0;
  let taken = () => {};
  const answered = () => new Promise<void>((resolve) => (taken = resolve));
  transport.start({
    data: () => {
      answers++;
      taken();
    },
    drain: () => {},
    ended: () => {},
    closed: () => {},
  });
  const exchange = () => {
    transport.write(Buffer.from('?'));
    native!.sendmsg(theirs, [Buffer.from('!')], []);
    const before = answers;
    transport.awaitAnswer!();
    return answers > before;
  };
  // Now and then it is tried whether the peer answers that soon; how often it counts as soon depends on the host.
  while (!exchange()) await answered();
  for (let turn = 0; turn < 40; turn++) {
    let atOnce = 0;
    while (exchange()) atOnce++;
    assert(atOnce <= 8);
    await answered();
  }
});
