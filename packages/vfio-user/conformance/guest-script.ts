/** RAM that the kernel leaves alone, so that /dev/mem gives access to it (CONFIG_STRICT_DEVMEM). */
export const GUEST_RAM = { address: 0x640_0000, size: 0x40_0000, kernelArgument: 'memmap=4M$100M' } as const;

/** What the guest says of each thing that it does, and what that has to be. */
export const EXPECTED: Readonly<Record<string, string>> = {
  'adder: a register keeps what was written': '0x12345678',
  'adder: a register that only the device writes starts at zero': '0x00000000',
  'adder: the sum of what is in RAM': '0x00000028',
  'adder: INTx interrupts that uio_pci_generic has seen': '1',
  'adder: INTx interrupts once they were enabled again': '2',
  'adder: MSI-X messages that have reached the processor': '1',
  'adder: MSI-X messages after another': '2',
  'nic: the magic register': '0x54574447',
  'nic: a register keeps what was written': '0xCAFEBABE',
  'nic: frames sent and received': '0x00000001 0x00000001',
  'nic: the flags and the length of the receive descriptor': '0x00000001 0x0000000C',
  'nic: the frame that the device wrote to RAM': '0x11111111 0x22222222 0x33333333',
  'nic: errors': '0x00000000 0x00000000',
  'nic: MSI-X messages that have reached the processor': '3',
  'nic: the cause of the interrupt, and what is left of it once it is acknowledged': '0x00000002 0x00000000',
};

/**
 * The init of the guest. With a driver of the kernel it counts INTx; for MSI-X it needs none: it has the device send
 * the vector of the rescheduling interrupt, which a guest with one processor never gets otherwise and which the kernel
 * counts.
 */
export const GUEST_SCRIPT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
exec </dev/null >/dev/ttyS0 2>&1
dmesg -n 1

say() { echo "$1 = $2"; }
ram=0x${GUEST_RAM.address.toString(16)}
mem() { devmem $(printf '0x%x' $(($1))) $2 $3; }
find_device() {
  for device in /sys/bus/pci/devices/*; do
    [ "$(cat $device/vendor) $(cat $device/device)" = "$1 $2" ] && break
  done
}
bar() { sed -n "$(($1 + 1))s/ .*//p" $device/resource; }
config_word() { hexdump -s $(($1)) -n 2 -e '1/2 "%d"' $device/config; }
set_config_word() {
  printf "\\\\x$(printf %02x $(($2 & 255)))\\\\x$(printf %02x $(($2 >> 8)))" |
    dd of=$device/config bs=1 seek=$(($1)) conv=notrunc 2>/dev/null
}
# Asks until the answer is as expected, or for 20 seconds.
await() {
  tries=200
  while [ "$($1)" != "$2" ] && [ $tries -gt 0 ]; do usleep 100000; tries=$((tries - 1)); done
  $1
}

find_device 0x1234 0xadde
set_config_word 4 0x0006
regs=$(bar 0)
mem $regs+0x20 32 0x12345678
say 'adder: a register keeps what was written' $(mem $regs+0x20 32)
say 'adder: a register that only the device writes starts at zero' $(mem $regs+16 32)
for i in 0 4 8 12; do mem $ram+$i 32 0x01020304; done
mem $regs 64 $ram
add() { mem $regs+8 32 16; }
add
say 'adder: the sum of what is in RAM' $(mem $regs+16 32)

for module in uio uio_pci_generic; do
  [ -e /$module.ko.xz ] && xzcat /$module.ko.xz >/$module.ko
  [ -e /$module.ko ] && insmod /$module.ko
done
echo 1234 adde >/sys/bus/pci/drivers/uio_pci_generic/new_id
# A read of the device file waits for an interrupt, and gives their number.
watch_uio() { dd if=/dev/uio0 of=/tmp/count bs=4 count=$1 2>/dev/null; }
seen() { hexdump -v -s $1 -n 4 -e '1/4 "%d"' /tmp/count 2>/dev/null; }
first() { seen 0; }
second() { seen 4; }
watch_uio 2 &
# It has to have the file open: interrupts before that do not count.
opened() { ls -l /proc/$!/fd 2>/dev/null | grep -c uio0; }
await opened 1 >/dev/null
add
say 'adder: INTx interrupts that uio_pci_generic has seen' $(await first 1)
# The driver has disabled INTx, and leaves it to its user to enable it again.
mem $regs+16 32 >/dev/null
set_config_word 4 $(($(config_word 4) & ~0x400))
add
say 'adder: INTx interrupts once they were enabled again' $(await second 2)
wait
echo \${device##*/} >/sys/bus/pci/drivers/uio_pci_generic/unbind
set_config_word 4 0x0006

use_msix() {
  capability=$(($(config_word 0x34) & 255))
  while [ $(($(config_word $capability) & 255)) != 17 ]; do
    capability=$(($(config_word $capability) >> 8))
  done
  table=$(bar $(($(config_word $((capability + 4))) & 7)))
  mem $table 32 0xfee00000
  mem $table+4 32 0
  mem $table+8 32 0xfd
  mem $table+12 32 0
  set_config_word $((capability + 2)) 0x8000
}
use_msix
rescheduled() { sed -n 's/^ *RES: *\\([0-9]*\\) .*/\\1/p' /proc/interrupts; }
add
say 'adder: MSI-X messages that have reached the processor' $(await rescheduled 1)
add
say 'adder: MSI-X messages after another' $(await rescheduled 2)

find_device 0x1b36 0x0100
set_config_word 4 0x0006
regs=$(bar 0)
say 'nic: the magic register' $(mem $regs 32)
mem $regs+0x20 32 0xcafebabe
say 'nic: a register keeps what was written' $(mem $regs+0x20 32)
# A frame of 12 bytes at 0x1000, room for another at 0x2000, and a ring of two descriptors for each.
mem $ram+0x1000 32 0x11111111; mem $ram+0x1004 32 0x22222222; mem $ram+0x1008 32 0x33333333
mem $ram+0x100 64 $((ram + 0x1000)); mem $ram+0x108 32 12; mem $ram+0x10c 32 0
mem $ram+0x200 64 $((ram + 0x2000)); mem $ram+0x208 32 2048; mem $ram+0x20c 32 0
mem $regs+0x110 32 $((ram + 0x100)); mem $regs+0x114 32 0; mem $regs+0x118 32 2
mem $regs+0x130 32 $((ram + 0x200)); mem $regs+0x134 32 0; mem $regs+0x138 32 2
use_msix
# The model has finished what its registers asked for.
mem $regs+0x48 32 2
mem $regs+0x140 32 1; mem $regs+0x120 32 1
received() { mem $regs+0x154 32; }
await received 0x00000001 >/dev/null
say 'nic: frames sent and received' "$(mem $regs+0x150 32) $(received)"
say 'nic: the flags and the length of the receive descriptor' "$(mem $ram+0x20c 32) $(mem $ram+0x208 32)"
say 'nic: the frame that the device wrote to RAM' \\
  "$(mem $ram+0x2000 32) $(mem $ram+0x2004 32) $(mem $ram+0x2008 32)"
say 'nic: errors' "$(mem $regs+0x158 32) $(mem $regs+0x15c 32)"
say 'nic: MSI-X messages that have reached the processor' $(await rescheduled 3)
cause=$(mem $regs+0x44 32)
mem $regs+0x4c 32 $cause
say 'nic: the cause of the interrupt, and what is left of it once it is acknowledged' "$cause $(mem $regs+0x44 32)"
poweroff -f
`;
