// Serves the sample device, called as the sample server of libvfio-user is: sample-server [-v] SOCKET.
// Ends when its client leaves.
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { VfioUserServer } from '../src/index.js';
import { SampleDevice } from './sample-device.js';

const native = requireNative('the sample server');
const clock = new SystemClock();
const path = process.argv.at(-1)!;
let device: SampleDevice | undefined;
const server = new VfioUserServer({
  native,
  clock,
  create: (attachment) => {
    device = new SampleDevice(native, clock, attachment);
    return device.function;
  },
  events: {
    disconnected: (error) => {
      if (error !== undefined) {
        console.error(`sample server: ${error.stack}`);
        process.exitCode = 1;
      }
      server.close();
      device?.close();
    },
    refused: (error) => console.error(`sample server: ${error.message}`),
  },
});
server.listen(path);
