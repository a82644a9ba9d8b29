// Unpacks the QEMU of a newer Debian: newer-qemu.js FOLDER
// Prints how it is called, as a JSON array. Ends with 3 where it cannot be had, and says why.
import { Unavailable, unpackPackages } from './debian-packages.js';
import { unpackedQemu } from './unpacked-qemu.js';

try {
  const root = unpackPackages(['qemu-system-x86'], process.argv[2]!);
  console.log(JSON.stringify(unpackedQemu(root)));
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.error(error.message);
  process.exitCode = 3;
}
