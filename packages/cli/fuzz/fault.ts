import type { Random } from './random.js';

/** What goes wrong with a migration. Times are milliseconds from `migrate`, offsets bytes of what the source sends. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'kill'; readonly side: 'source' | 'destination'; readonly after: number }
  | { readonly kind: 'cancel'; readonly after: number }
  | { readonly kind: 'flip'; readonly offset: number; readonly mask: number }
  | { readonly kind: 'cut'; readonly offset: number }
  /** From there on nothing arrives; the client loses patience and cancels. */
  | { readonly kind: 'stall'; readonly offset: number }
  /** The connection breaks at that byte of what the destination answers. */
  | { readonly kind: 'cut-answers'; readonly offset: number }
  /** The migration goes to a file, for which there is no space. */
  | { readonly kind: 'disk-full' }
  | {
      readonly kind: 'device';
      readonly side: 'source' | 'destination';
      readonly arc: string;
      readonly leaves: 'from' | 'error';
    };

/** A migration of the machines here takes about so long. */
const MIGRATION_MS = 700;

const ARCS = {
  source: [
    'running->pre-copy',
    'running->running-p2p',
    'running->stop',
    'pre-copy->pre-copy-p2p',
    'pre-copy->stop-copy',
    'pre-copy-p2p->stop-copy',
    'running-p2p->stop',
    'stop->stop-copy',
    'stop-copy->stop',
    'pre-copy->running',
  ],
  destination: ['stop->resuming', 'resuming->stop'],
} as const;

const KINDS = [
  'none',
  'kill',
  'kill',
  'cancel',
  'cancel',
  'flip',
  'cut',
  'stall',
  'cut-answers',
  'disk-full',
  'device',
] as const;

/** @param bytes about how much the source sends */
export function anyFault(random: Random, bytes: number): Fault {
  const kind = random.pick(KINDS);
  const side = random.pick(['source', 'destination'] as const);
  const after = random.below(MIGRATION_MS);
  // Beyond what is sent now and then, so that some faults do not happen.
  const offset = random.below(Math.floor(bytes * 1.1));
  switch (kind) {
    case 'none':
    case 'disk-full':
      return { kind };
    case 'kill':
      return { kind, side, after };
    case 'cancel':
      return { kind, after };
    case 'flip':
      return { kind, offset, mask: 1 + random.below(255) };
    case 'cut':
    case 'stall':
      return { kind, offset };
    case 'cut-answers':
      return { kind, offset: random.below(120) };
    case 'device':
      return { kind, side, arc: random.pick(ARCS[side]), leaves: random.pick(['from', 'error']) };
  }
}

/** The connection breaks while the guest runs, or nothing more arrives. */
export function anyBreak(random: Random, bytes: number): Fault {
  return { kind: random.pick(['cut', 'cut', 'cut', 'stall']), offset: 3000 + random.below(bytes) };
}

/** Whether it happens to the bytes between the two sides, and not to either of them. */
export function changesStream({ kind }: Fault): boolean {
  return kind === 'flip' || kind === 'cut' || kind === 'stall' || kind === 'cut-answers';
}

export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault;
  return [kind, ...Object.values(rest)].join(' ');
}
