import { descriptorCommands } from '../commands/descriptors.js';
import { runStateCommands } from '../commands/run-state.js';
import { type MonitorCommand, quietly } from './command.js';
import { MonitorError } from './monitor-error.js';

/** The run of the machine, and what a monitor keeps. */
export const RUN_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'closefd',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'closefd name',
    help: 'close a file descriptor previously passed via SCM rights',
    preconfig: true,
    run: (args, context) => quietly(descriptorCommands.closefd({ fdname: args.text('name') }, context)),
  },
  {
    name: 'cont',
    alias: 'c',
    arguments: [],
    usage: '',
    help: 'resume emulation',
    run: (_, context) => quietly(runStateCommands.cont(undefined, context)),
  },
  {
    name: 'cpu',
    arguments: [{ name: 'index', kind: 'integer' }],
    usage: 'index',
    help: 'set the default CPU',
    run: (args, context) => {
      const index = Number(args.number('index'));
      if (context.machine.hardware.accelerator.vcpus[index] === undefined)
        throw new MonitorError('invalid CPU index');
      context.cpuIndex = index;
      return '';
    },
  },
  {
    name: 'exit_preconfig',
    arguments: [],
    usage: '',
    help: 'exit the preconfig state',
    preconfig: true,
    run: (_, context) => quietly(runStateCommands['x-exit-preconfig'](undefined, context)),
  },
  {
    name: 'getfd',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'getfd name',
    help: 'receive a file descriptor via SCM rights and assign it a name',
    preconfig: true,
    run: (args, context) => quietly(descriptorCommands.getfd({ fdname: args.text('name') }, context)),
  },
  {
    name: 'quit',
    alias: 'q',
    arguments: [],
    usage: '',
    help: 'quit the emulator',
    preconfig: true,
    run: (_, context) => {
      context.terminal?.suspend();
      return quietly(runStateCommands.quit(undefined, context));
    },
  },
  {
    name: 'stop',
    alias: 's',
    arguments: [],
    usage: '',
    help: 'stop emulation',
    run: (_, context) => quietly(runStateCommands.stop(undefined, context)),
  },
  {
    name: 'system_powerdown',
    arguments: [],
    usage: '',
    help: 'send system power down event',
    run: (_, context) => quietly(runStateCommands.system_powerdown(undefined, context)),
  },
  {
    name: 'system_reset',
    arguments: [],
    usage: '',
    help: 'reset the system',
    run: (_, context) => quietly(runStateCommands.system_reset(undefined, context)),
  },
];
