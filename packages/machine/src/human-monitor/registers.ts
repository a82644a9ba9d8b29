import type { MonitorContext } from './command.js';
import type { Registers } from './expression.js';

/** So many of a vCPU's registers can be seen. */
const SHOWN = 8;

/** The first registers of a vCPU of the embedded guest, 64 bits each. */
function registersOfVcpu({ machine }: MonitorContext, index: number): readonly bigint[] {
  const section = machine.hardware.accelerator.sections()[index];
  if (section === undefined) return [];
  const state = Buffer.from(section.save());
  const count = Math.min(SHOWN, Math.floor(state.length / 8));
  return Array.from({ length: count }, (_, at) => state.readBigUInt64BE(at * 8));
}

/** Registers as expressions name them: `$r0` to `$r7`, of the vCPU that the monitor looks at. */
export function registersOf(context: MonitorContext): Registers {
  return (name) => {
    const number = /^r(\d)$/i.exec(name)?.[1];
    return number === undefined ? undefined : registersOfVcpu(context, context.cpuIndex)[Number(number)];
  };
}

/** What `info registers` shows of one vCPU. */
export function registersText(context: MonitorContext, index: number): string {
  const words = registersOfVcpu(context, index).map(
    (value, at) => `R${at}=${value.toString(16).padStart(16, '0')}`,
  );
  const lines: string[] = [];
  while (words.length > 0) lines.push(words.splice(0, 4).join(' '));
  return `\nCPU#${index}\n${lines.join('\n')}\n`;
}
