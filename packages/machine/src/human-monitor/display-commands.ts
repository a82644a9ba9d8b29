import { inputCommands } from '../commands/input.js';
import { screendumpCommands } from '../commands/screendump.js';
import { NO_PASSWORD, vncCommands } from '../commands/vnc.js';
import {
  type DisplayProtocol,
  type KeyValue,
  protocol,
  type QKeyCode,
  type SetPasswordAction,
} from '../generated/index.js';
import { type MonitorArguments, type MonitorCommand, type MonitorContext, quietly } from './command.js';
import { MonitorError } from './monitor-error.js';

/** The commands of the human monitor about remote displays. */
export const DISPLAY_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'change',
    arguments: [
      { name: 'device', kind: 'block-device' },
      { name: 'f', kind: 'flag' },
      { name: 'target', kind: 'filename' },
      { name: 'arg', kind: 'string', optional: true },
      { name: 'read-only-mode', kind: 'string', optional: true },
    ],
    usage: 'device [-f] filename [format [read-only-mode]]',
    help: 'change a removable medium, optional format, use -f to force the operation',
    run: change,
  },
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
    name: 'screendump',
    arguments: [
      { name: 'filename', kind: 'filename' },
      { name: 'f', kind: 'option' },
      { name: 'device', kind: 'block-device', optional: true },
      { name: 'head', kind: 'integer', optional: true },
    ],
    usage: 'filename [-f format] [device [head]]',
    help: "save screen from head 'head' of display device 'device'in specified format 'format' as image 'filename'.Currently only 'png' and 'ppm' formats are supported.",
    run: (args, context) => {
      const format = args.optionalText('f') ?? 'ppm';
      if (format !== 'ppm' && format !== 'png') throw invalidValue(format);
      const [filename, device] = [args.text('filename'), args.optionalText('device')];
      const display = device === undefined ? {} : { device, head: args.number('head') };
      return quietly(screendumpCommands.screendump({ filename, format, ...display }, context));
    },
  },
  {
    name: 'sendkey',
    arguments: [
      { name: 'keys', kind: 'string' },
      { name: 'hold-time', kind: 'integer', optional: true },
    ],
    usage: 'keys [hold_ms]',
    help: "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)",
    completions: (_, position) => (position === 0 ? keyNames() : []),
    run: (args, context) =>
      quietly(inputCommands['send-key']({ keys: args.text('keys').split('-').map(keyFromText) }, context)),
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
      const connected = args.optionalText('connected');
      if (connected !== undefined && !isPasswordAction(connected)) throw invalidValue(connected);
      const protocol = displayProtocol(args.text('protocol'));
      const display = args.optionalText('d');
      const options = {
        protocol,
        password: args.text('password'),
        ...(connected === undefined ? {} : { connected }),
        ...(display === undefined ? {} : { display }),
      };
      withHint(context, display, () => vncCommands.set_password(options, context));
      return '';
    },
  },
];

/** Sets a password. Where the server asks for none, the error says how it would: people are told, programs are not. */
function withHint({ machine }: MonitorContext, display: string | undefined, step: () => void): void {
  try {
    step();
  } catch (error) {
    const server = machine.vnc?.find(display);
    if (server === undefined || server.takesPassword || (error as Error).message !== NO_PASSWORD) throw error;
    throw new MonitorError(
      `If you want use passwords please enable password auth using '-vnc \${dpy},password'.\nError: ${NO_PASSWORD}`,
    );
  }
}

function keyNames(): readonly string[] {
  const { QKeyCode: type } = protocol.types;
  return type?.kind === 'enum' ? type.values : [];
}

function isKeyName(text: string): text is QKeyCode {
  return keyNames().includes(text);
}

/** A key by its name or its number. @throws MonitorError */
function keyFromText(text: string): KeyValue {
  const name = text === '<' ? 'less' : text;
  if (/^0x[0-9a-f]+$/i.test(name)) return { type: 'number', data: BigInt.asIntN(32, BigInt(name)) };
  if (!isKeyName(name)) throw new MonitorError(`invalid parameter: ${text}`);
  return { type: 'qcode', data: name };
}

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

/** How a medium may be inserted (BlockdevChangeReadOnlyMode of QEMU's schema). */
const READ_ONLY_MODES: readonly string[] = ['retain', 'read-only', 'read-write'];

/** There is no drive whose medium could be changed, only the password of the VNC server. */
async function change(args: MonitorArguments, context: MonitorContext): Promise<string> {
  const device = args.text('device');
  if (device !== 'vnc') {
    const mode = args.optionalText('read-only-mode');
    if (mode !== undefined && !READ_ONLY_MODES.includes(mode)) throw invalidValue(mode);
    throw new Error(`Device '${device}' not found`);
  }
  if (args.optionalText('read-only-mode') !== undefined) {
    throw new MonitorError("Parameter 'read-only-mode' is invalid for VNC");
  }
  const target = args.text('target');
  if (target !== 'passwd' && target !== 'password') {
    throw new MonitorError("Expected 'password' after 'vnc'");
  }
  const given = args.optionalText('arg');
  if (given !== undefined) {
    withHint(context, undefined, () => vncCommands['change-vnc-password']({ password: given }, context));
    return '';
  }
  if (context.terminal === undefined) {
    throw new MonitorError('terminal does not support password prompting');
  }
  const password = await context.terminal.readPassword();
  try {
    vncCommands['change-vnc-password']({ password }, context);
  } catch {
    // As in QEMU, what is typed at the prompt is taken in silence.
  }
  return '';
}
