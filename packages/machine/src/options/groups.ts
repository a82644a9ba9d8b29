import type { OptionGroup } from './option-group.js';

/**
 * Everything that options in the form `key=value,…` can set; what query-command-line-options tells. Names, types and the
 * order of parameters are QEMU's.
 */
export const OPTION_GROUPS = {
  accel: { name: 'accel', impliedKey: 'accel', parameters: [], repeated: 'list', id: 'none' },
  'add-fd': {
    name: 'add-fd',
    parameters: [
      { name: 'fd', type: 'number', help: 'file descriptor of which a duplicate is added to fd set' },
      { name: 'set', type: 'number', help: 'ID of the fd set to add fd to' },
      { name: 'opaque', type: 'string', help: 'free-form string used to describe fd' },
    ],
    repeated: 'list',
    id: 'none',
  },
  chardev: {
    name: 'chardev',
    impliedKey: 'backend',
    parameters: [
      { name: 'backend', type: 'string' },
      { name: 'path', type: 'string' },
      { name: 'host', type: 'string' },
      { name: 'port', type: 'string' },
      { name: 'fd', type: 'string' },
      { name: 'to', type: 'number' },
      { name: 'ipv4', type: 'boolean' },
      { name: 'ipv6', type: 'boolean' },
      { name: 'wait', type: 'boolean' },
      { name: 'server', type: 'boolean' },
      { name: 'nodelay', type: 'boolean' },
      { name: 'telnet', type: 'boolean' },
      { name: 'signal', type: 'boolean' },
      { name: 'size', type: 'size' },
      { name: 'append', type: 'boolean' },
      { name: 'logfile', type: 'string' },
      { name: 'logappend', type: 'boolean' },
      { name: 'tight', type: 'boolean', default: 'on' },
      { name: 'abstract', type: 'boolean' },
    ],
    repeated: 'list',
    id: 'required',
  },
  device: { name: 'device', impliedKey: 'driver', parameters: [], repeated: 'list', id: 'optional' },
  machine: { name: 'machine', impliedKey: 'type', parameters: [], repeated: 'merge', id: 'none' },
  memory: {
    name: 'memory',
    impliedKey: 'size',
    parameters: [
      { name: 'size', type: 'size', unit: 'm' },
      { name: 'slots', type: 'number' },
      { name: 'maxmem', type: 'size' },
    ],
    repeated: 'merge',
    id: 'none',
  },
  mon: {
    name: 'mon',
    impliedKey: 'chardev',
    parameters: [
      { name: 'mode', type: 'string' },
      { name: 'chardev', type: 'string' },
      { name: 'pretty', type: 'boolean' },
    ],
    repeated: 'list',
    id: 'optional',
  },
  name: {
    name: 'name',
    impliedKey: 'guest',
    parameters: [
      { name: 'guest', type: 'string', help: 'Sets the name of the guest.' },
      { name: 'process', type: 'string', help: 'Sets the name of the process, as shown in top etc' },
      {
        name: 'debug-threads',
        type: 'boolean',
        help: 'When enabled, name the individual threads; defaults off.',
      },
    ],
    repeated: 'merge',
    id: 'none',
  },
  object: { name: 'object', impliedKey: 'qom-type', parameters: [], repeated: 'list', id: 'optional' },
  rtc: {
    name: 'rtc',
    parameters: [
      { name: 'base', type: 'string' },
      { name: 'clock', type: 'string' },
      { name: 'driftfix', type: 'string' },
    ],
    repeated: 'merge',
    id: 'none',
  },
  'smp-opts': {
    name: 'smp-opts',
    impliedKey: 'cpus',
    parameters: [
      { name: 'cpus', type: 'number' },
      { name: 'sockets', type: 'number' },
      { name: 'dies', type: 'number' },
      { name: 'clusters', type: 'number' },
      { name: 'cores', type: 'number' },
      { name: 'threads', type: 'number' },
      { name: 'maxcpus', type: 'number' },
    ],
    repeated: 'merge',
    id: 'none',
  },
} as const satisfies Record<string, OptionGroup>;

export type OptionGroupName = keyof typeof OPTION_GROUPS;
