/** A server of a nic that never maps the memory of its client: all of its DMA goes by messages. Arguments: the socket's path. */
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { createModel } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '@godwit/vfio-user';

const [path = ''] = process.argv.slice(2);
const clock = new SystemClock();
const server = new VfioUserServer({
  native: requireNative('a vfio-user server'),
  clock,
  create: ({ memory, interrupts }) =>
    modelFunction(
      createModel(
        'nic',
        { 'state-size': '1M', 'dma-rate': '1M' },
        {
          clock,
          memory: {
            read: (address, into) => memory.readByMessages(address, into),
            write: (address, from) => memory.writeByMessages(address, from),
          },
          interrupt: () => interrupts.raise(),
          random: Math.random,
        },
      ),
    ),
});
server.listen(path);
process.stderr.write('serving\n');
process.once('SIGTERM', () => {
  server.close();
  server.device.migration?.close();
});
