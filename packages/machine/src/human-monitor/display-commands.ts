import { vncCommands } from '../commands/vnc.js';
import type { DisplayProtocol, SetPasswordAction } from '../generated/index.js';
import type { MonitorCommand } from './command.js';

/** The commands of the human monitor about remote displays. */
export const DISPLAY_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'expire_password',
    arguments: [
      { name: 'protocol', kind: 'string' },
      { name: 'time', kind: 'string' },
      { name: 'd', kind: 'option' },
    ],
    usage: 'protocol time [-d display]',
    help: 'set spice/vnc password expire-time',
    run: (args, context) => {
      const protocol = displayProtocol(args.text('protocol'));
      const display = args.optionalText('d');
      vncCommands.expire_password(
        { protocol, time: args.text('time'), ...(display === undefined ? {} : { display }) },
        context,
      );
      return '';
    },
  },
  {
    name: 'set_password',
    arguments: [
      { name: 'protocol', kind: 'string' },
      { name: 'password', kind: 'string' },
      { name: 'd', kind: 'option' },
      { name: 'connected', kind: 'string', optional: true },
    ],
    usage: 'protocol password [-d display] [action-if-connected]',
    help: 'set spice/vnc password',
    run: (args, context) => {
      const protocol = displayProtocol(args.text('protocol'));
      const connected = args.optionalText('connected');
      if (connected !== undefined && !isPasswordAction(connected)) throw invalidValue(connected);
      const display = args.optionalText('d');
      vncCommands.set_password(
        {
          protocol,
          password: args.text('password'),
          ...(connected === undefined ? {} : { connected }),
          ...(display === undefined ? {} : { display }),
        },
        context,
      );
      return '';
    },
  },
];

/** @throws Error in the words of the monitor */
function displayProtocol(text: string): DisplayProtocol {
  if (text !== 'vnc' && text !== 'spice') throw invalidValue(text);
  return text;
}

function isPasswordAction(text: string): text is SetPasswordAction {
  return text === 'keep' || text === 'fail' || text === 'disconnect';
}

function invalidValue(text: string): Error {
  return new Error(`invalid parameter value: ${text}`);
}
