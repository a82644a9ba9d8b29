import type { MigrationFlags } from '../flags.js';
import { stateName } from '../states.js';
import { ARCS } from '../transitions.js';
import { BLOCK_SIZE } from './device-memory.js';
import type { PropertyDefinition } from './property.js';

const MAX_STATE_SIZE = 2 ** 31;

/** The property that holds the latency of one arc. */
export function latencyProperty(
  from: Parameters<typeof stateName>[0],
  to: Parameters<typeof stateName>[0],
): string {
  return `latency-${stateName(from)}-to-${stateName(to)}`;
}

/** The properties that every model has; flags and state size differ in their defaults. */
export function commonProperties(flags: MigrationFlags, stateSize: number): PropertyDefinition[] {
  return [
    {
      name: 'state-size',
      type: 'size',
      default: stateSize,
      minimum: BLOCK_SIZE,
      maximum: MAX_STATE_SIZE,
      multiple: BLOCK_SIZE,
      description: 'bytes of device memory that migrate',
    },
    {
      name: 'protocol',
      type: 'choice',
      default: 'v2',
      values: ['v2', 'v1'],
      description: 'migrates by the v2 uAPI, or through a migration region of 2018; v1 has no P2P states',
    },
    {
      name: 'region-size',
      type: 'size',
      default: 2 ** 20,
      minimum: BLOCK_SIZE,
      maximum: 2 ** 30,
      multiple: BLOCK_SIZE,
      description: 'v1: bytes of the data area of the region',
    },
    { name: 'region-mapped', type: 'switch', default: true, description: 'v1: the data area can be mapped' },
    {
      name: 'trace',
      type: 'switch',
      default: false,
      description: 'v1: write a line for each access to the region',
    },
    {
      name: 'migration',
      type: 'switch',
      default: true,
      description: 'offers migration at all; off: as a device whose driver in the kernel does not support it',
    },
    { name: 'p2p', type: 'switch', default: flags.p2p, description: 'offers the P2P states' },
    { name: 'pre-copy', type: 'switch', default: flags.preCopy, description: 'offers the pre-copy states' },
    {
      name: 'dirty-rate',
      type: 'size',
      default: 0,
      description: 'bytes of its own memory that the running device rewrites a second',
    },
    {
      name: 'dma-rate',
      type: 'size',
      default: 0,
      description: 'bytes that the running device writes to its DMA window a second',
    },
    {
      name: 'dma-address',
      type: 'size',
      default: 0,
      description: 'guest address of the DMA window after a reset',
    },
    {
      name: 'dma-size',
      type: 'size',
      default: 0,
      maximum: 2 ** 32 - BLOCK_SIZE,
      multiple: BLOCK_SIZE,
      description: 'bytes of the DMA window after a reset; 0: none',
    },
    {
      name: 'reinit-after',
      type: 'milliseconds',
      default: 0,
      description:
        'time in pre-copy after which the device starts over with new contents (REINIT), once; 0: never',
    },
    { name: 'latency', type: 'milliseconds', default: 0, description: 'time that every transition takes' },
    ...ARCS.map(
      (arc): PropertyDefinition => ({
        name: latencyProperty(arc.from, arc.to),
        type: 'milliseconds',
        default: -1,
        description: `time of that transition; default: 'latency'`,
      }),
    ),
    {
      name: 'fail-arc',
      type: 'arcs',
      default: '',
      description: "arcs that fail, e.g. 'stop->stop-copy', joined by '+'",
    },
    { name: 'fail-count', type: 'count', default: 1, description: 'how often each of them fails; 0: always' },
    {
      name: 'fail-leaves',
      type: 'choice',
      default: 'from',
      values: ['from', 'error'],
      description: 'where a failed arc leaves the device: where it was, or in the error state',
    },
    {
      name: 'fail-stream',
      type: 'switch',
      default: false,
      description: 'a failed arc also kills the open data stream',
    },
    {
      name: 'fail-read-at',
      type: 'size',
      default: -1,
      description: 'byte of the saving stream at which reading fails, for good; default: none',
    },
    {
      name: 'fail-write-at',
      type: 'size',
      default: -1,
      description: 'byte of the resuming stream at which writing fails, for good; default: none',
    },
    {
      name: 'corrupt-at',
      type: 'size',
      default: -1,
      description: 'byte of the saving stream that goes out wrong; default: none',
    },
  ];
}
