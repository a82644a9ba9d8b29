// A PCI device in TypeScript: the guest writes an address (at 0) and a length (at 8); the device adds up the bytes of its
// memory there, puts the sum at 16, and raises an interrupt. Call: adder SOCKET
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { MemoryRegion, PciFunction, SnapshotMigration, VfioUserServer } from '@godwit/vfio-user';

const server = new VfioUserServer({
  native: requireNative('the adder'),
  clock: new SystemClock(),
  create: ({ memory, interrupts }) => {
    const registers = new MemoryRegion(4096, (offset) => {
      if (offset !== 8) return;
      const data = Buffer.alloc(Math.min(registers.bytes.readUInt32LE(8), 2 ** 20));
      memory.read(Number(registers.bytes.readBigUInt64LE(0)), data);
      const sum = data.reduce((total, byte) => total + byte, 0);
      registers.bytes.writeUInt32LE(sum, 16);
      interrupts.raise();
    });
    return new PciFunction({
      vendorId: 0x1234,
      deviceId: 0xadde,
      classCode: 0x120000,
      intx: true,
      msix: 1,
      bars: { 0: registers },
      migration: SnapshotMigration.of(registers),
    });
  },
});
server.listen(process.argv[2] ?? 'adder.sock');
