// Sends generated commands to a real QEMU and compares its answers with those of the decoder:
// node run.js [--tree DIR] [--qemu BINARY] [--count N] [--seed N]
// Exit code: 0 no unexplained difference, 1 some, 2 wrong usage, 3 no source tree or no binary could be had.
import { parseArgs } from 'node:util';
import { describeProtocol } from '../../src/index.js';
import type { JsonValue, ProtocolDescriptor } from '../../src/runtime/index.js';
import { againstQemu, exitByComparison } from '../against-qemu.js';
import type { LiveQemu } from '../live-qemu.js';
import { liveSchema } from '../live-schema.js';
import { type Expectation, expectationOf, type Outcome, outcomeOf } from './compare.js';
import { ArgumentGenerator } from './generate.js';
import { decodesArguments, mayRun } from './harmless.js';
import { toText } from './json-text.js';
import { Random } from './random.js';

const shownDifferences = 20;
/** Commands on their way at once. */
const window = 64;

interface Case {
  readonly command: string;
  readonly args: JsonValue;
  readonly expectation: Expectation;
}

/** Commands in turn, with right and wrong arguments; what is not harmless only with arguments that are refused. */
function* cases(protocol: ProtocolDescriptor, random: Random, count: number): Generator<Case> {
  const commands = Object.entries(protocol.commands).filter(([, command]) => decodesArguments(command));
  for (let made = 0, turn = 0; made < count; turn += 1) {
    const [command, { args: type }] = commands[turn % commands.length]!;
    const generator = new ArgumentGenerator(protocol, random, random.pick([0, 0.05, 0.15, 0.4]));
    const args = type === undefined ? (random.chance(0.5) ? {} : { bogus: 1 }) : generator.value(type);
    const expectation = expectationOf(protocol, command, args);
    if (expectation.error === undefined && !mayRun(command)) continue;
    made += 1;
    yield { command, args, expectation };
  }
}

async function run(tree: string, qemu: LiveQemu, count: number, seed: number): Promise<boolean> {
  const { schema, config } = await liveSchema(tree, qemu);
  const protocol = describeProtocol(schema, config);
  const outcomes = new Map<Outcome, number>();
  const used = new Set<string>();
  let shown = 0;

  const play = async ({ command, args, expectation }: Case): Promise<void> => {
    const reply = await qemu.execute(`{"execute": "${command}", "arguments": ${toText(args)}`);
    const outcome = outcomeOf(expectation, reply, args);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    used.add(command);
    if (isUnexplained(outcome) && shown++ < shownDifferences) {
      console.log(`${outcome}: ${command} ${toText(args)}`);
      console.log(`  decoder: ${expectation.error?.class ?? ''} ${expectation.error?.desc ?? 'accepts'}`);
      console.log(`  QEMU:    ${reply.error?.class ?? ''} ${reply.error?.desc ?? 'accepts'}`);
    }
  };
  let batch: Promise<void>[] = [];
  for (const one of cases(protocol, new Random(seed), count)) {
    batch.push(play(one));
    if (batch.length === window) {
      await Promise.all(batch);
      batch = [];
    }
  }
  await Promise.all(batch);

  for (const [outcome, number] of [...outcomes].sort(([, a], [, b]) => b - a))
    console.log(`${number} ${outcome}`);
  const unexplained = [...outcomes].filter(([outcome]) => isUnexplained(outcome));
  const differences = unexplained.reduce((sum, [, number]) => sum + number, 0);
  console.log(
    `${count} commands of ${used.size} kinds, seed ${seed}: ${differences} unexplained differences`,
  );
  return differences === 0;
}

function isUnexplained(outcome: Outcome): boolean {
  return outcome !== 'same error' && outcome !== 'accepted by both' && !outcome.startsWith('explained');
}

await exitByComparison(() => {
  const { values } = parseArgs({
    options: {
      tree: { type: 'string' },
      qemu: { type: 'string', default: 'qemu-system-x86_64' },
      count: { type: 'string', default: '6000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
    throw new TypeError('--count and --seed are whole numbers');
  }
  return againstQemu(values.tree, values.qemu, (tree, qemu) => run(tree, qemu, count, seed));
});
