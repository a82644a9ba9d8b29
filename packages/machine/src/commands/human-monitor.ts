import { QapiError } from '@godwit/qapi/runtime';
import { closeDescriptor, NamedDescriptors } from '@godwit/qmp';
import type { CommandHandlers } from './command-call.js';

export const humanMonitorCommands = {
  'human-monitor-command': async ({ 'command-line': line, 'cpu-index': cpu = 0n }, call) => {
    const cpuIndex = Number(BigInt.asIntN(32, cpu));
    if (cpuIndex !== 0 && call.machine.hardware.accelerator.vcpus[cpuIndex] === undefined) {
      throw new QapiError('GenericError', "Parameter 'cpu-index' expects a CPU number");
    }
    // For people, and seldom: loaded when it is first used.
    const { executeLine } = await import('../human-monitor/human-monitor.js');
    // The line is said at a monitor of its own, which nobody can pass a descriptor to.
    const monitor = { label: call.monitor.label, descriptors: new NamedDescriptors(closeDescriptor) };
    return executeLine(line, { ...call, monitor, takeDescriptor: () => undefined, cpuIndex });
  },
} satisfies Partial<CommandHandlers>;
