import { QapiError } from '@godwit/qapi/runtime';
import type { CommandHandlers } from './command-call.js';

export const humanMonitorCommands = {
  'human-monitor-command': async ({ 'command-line': line, 'cpu-index': cpu = 0n }, call) => {
    const cpuIndex = Number(BigInt.asIntN(32, cpu));
    if (cpuIndex !== 0 && call.machine.hardware.accelerator.vcpus[cpuIndex] === undefined) {
      throw new QapiError('GenericError', "Parameter 'cpu-index' expects a CPU number");
    }
    // For people, and seldom: loaded when it is first used.
    const { executeLine } = await import('../human-monitor/human-monitor.js');
    return executeLine(line, { ...call, cpuIndex });
  },
} satisfies Partial<CommandHandlers>;
