import type { Fault } from './fault.js';
import type { Random } from './random.js';

/** What becomes of a migration that waits for another connection. */
export type RecoveryStep =
  /** It gets one, to which in turn something happens. */
  | { readonly kind: 'go-on'; readonly fault: Fault }
  /** First the destination is told a place where the source will not come, and the source one where nobody listens. */
  | { readonly kind: 'astray'; readonly fault: Fault }
  | { readonly kind: 'kill'; readonly side: 'source' | 'destination' }
  /** It gets one, and so many milliseconds later one side is gone. */
  | { readonly kind: 'kill-later'; readonly side: 'source' | 'destination'; readonly after: number }
  | { readonly kind: 'cancel' };

/** How long it takes until everything is under way again. */
const RECOVERY_MS = 60;

/** Up to three steps; after the last one nothing goes wrong any more. @param bytes about how much the source sends */
export function anyRecovery(random: Random, bytes: number): RecoveryStep[] {
  return Array.from({ length: random.below(4) }, () => anyStep(random, bytes));
}

function anyStep(random: Random, bytes: number): RecoveryStep {
  const side = random.pick(['source', 'destination'] as const);
  // Most are to break before much has been said.
  const offset = random.below(random.pick([200, 2000, bytes]));
  const fault = random.pick<Fault>([
    { kind: 'cut', offset },
    { kind: 'cut', offset },
    { kind: 'cut-answers', offset: random.below(80) },
    { kind: 'stall', offset },
  ]);
  const kind = random.pick(['go-on', 'go-on', 'go-on', 'astray', 'kill', 'kill-later', 'cancel'] as const);
  switch (kind) {
    case 'go-on':
    case 'astray':
      return { kind, fault };
    case 'kill':
      return { kind, side };
    case 'kill-later':
      return { kind, side, after: random.below(RECOVERY_MS) };
    case 'cancel':
      return { kind };
  }
}

export function describeStep(step: RecoveryStep): string {
  if ('fault' in step) return `${step.kind} (${Object.values(step.fault).join(' ')})`;
  return Object.values(step).join(' ');
}
