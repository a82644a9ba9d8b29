// A PCI device in 30 lines: the guest writes an address (at 0) and a length (at 8); the device adds up the bytes of its
// memory there, puts the sum at 16, and raises an interrupt. Call: adder SOCKET
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { PciFunction, SnapshotMigration, VfioUserServer } from '@godwit/vfio-user';

const server = new VfioUserServer({
  native: requireNative('the adder'),
  clock: new SystemClock(),
  create: ({ memory, interrupts }) => {
    const registers = Buffer.alloc(4096);
    const add = () => {
      const data = Buffer.alloc(Math.min(registers.readUInt32LE(8), 1 << 20));
      memory.read(Number(registers.readBigUInt64LE(0)), data);
      registers.writeUInt32LE(
        data.reduce((sum, byte) => sum + byte, 0),
        16,
      );
      interrupts.raise(0);
    };
    const read = (offset: number, into: Uint8Array) =>
      into.set(registers.subarray(offset, offset + into.length));
    const write = (offset: number, from: Uint8Array) => {
      registers.set(from, offset);
      if (offset === 8) add();
    };
    const save = () => Uint8Array.from(registers);
    const load = (state: Uint8Array) => registers.set(state);
    const migration = new SnapshotMigration({ save, load, reset: () => registers.fill(0) });
    const bars = { 0: { size: 4096, read, write } };
    return new PciFunction({
      vendorId: 0x1234,
      deviceId: 0xadde,
      classCode: 0x120000,
      intx: true,
      msix: 1,
      bars,
      migration,
    });
  },
});
server.listen(process.argv[2] ?? 'adder.sock');
