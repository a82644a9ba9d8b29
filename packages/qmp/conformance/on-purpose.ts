/** A difference from the real QEMU 7.2 that is meant to be, and why. */
export interface Purpose {
  /** Found in the exchange's scenario, or its bytes. */
  readonly exchange: RegExp;
  /** Found in what QEMU says. */
  readonly qemu: RegExp;
  readonly reason: string;
}

export const purposes: readonly Purpose[] = [
  {
    exchange: /"id\\": 1e999/,
    qemu: /invalid keyword 'inf'/,
    reason:
      'QEMU writes the id as inf, which no JSON reader takes; the literal that was sent comes back instead',
  },
  {
    exchange: /query-status/,
    qemu: /"singlestep"/,
    reason: 'query-status has no singlestep in QEMU 9 and newer',
  },
  {
    exchange: /"migrate\\"\}/,
    qemu: /Parameter 'uri' is missing/,
    reason: 'since QEMU 8.2 migrate takes channels in place of a uri',
  },
  {
    exchange: /"migrate\\".*nonsense/,
    qemu: /Parameter 'uri' expects a valid migration protocol/,
    reason: 'since QEMU 8.2 an unknown protocol is named',
  },
  {
    exchange: /downtime-limit\\": -1/,
    qemu: /in the range of 0 to \(2000 \* 1000\) ms/,
    reason: 'the limit of downtime-limit is told in seconds in newer versions',
  },
  {
    exchange: /x-vfio-user-server/,
    qemu: /invalid object type: x-vfio-user-server/,
    reason: 'a QEMU that is built without libvfio-user exports no devices',
  },
  {
    exchange: /vfio-user-pci/,
    qemu: /Device 'vfio-user-pci' not found|'vfio-user-pci' is not a valid device model name/,
    reason: 'since QEMU 10.1 there is vfio-user-pci',
  },
  {
    exchange: /shares with a monitor/,
    qemu: /monitor - type .*monitor - type/,
    reason: 'QEMU greets twice where a monitor shares its device',
  },
  {
    exchange: /^passed descriptors that are no sockets: .*add_client/,
    qemu: /return|not in use|is invalid|failed to add client/,
    reason: 'newer versions say of a passed client that is no socket what is wrong with it',
  },
  {
    exchange: /a set is removed while the guest is stopped: .*query-fdsets/,
    qemu: /"fdset-id": 70/,
    reason:
      'until QEMU 9.1 a set that is removed stays on the list until the guest runs and a monitor disconnects',
  },
  {
    exchange: /a set after the last client .*(?:query-fdsets|remove-fd)/,
    qemu: /"return": \[\]|'fdset-id:71' not found/,
    reason:
      'until QEMU 9.1 sets are closed when the last monitor disconnects; now they stay until they are removed',
  },
];
