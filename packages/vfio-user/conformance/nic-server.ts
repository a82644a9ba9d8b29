// Serves the model of a network card: nic-server SOCKET.
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { createModel } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '../src/index.js';

const clock = new SystemClock();
const server = new VfioUserServer({
  native: requireNative('the network card'),
  clock,
  create: ({ memory, interrupts }) => {
    const interrupt = () => void interrupts.raise();
    return modelFunction(createModel('nic', {}, { clock, memory, interrupt, random: Math.random }));
  },
});
server.listen(process.argv[2]!);
