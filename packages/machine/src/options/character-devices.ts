import type { ChardevConfiguration } from '../chardev/configuration.js';
import { chardevsFromOptions } from '../chardev/options.js';
import { expandShortChardev } from '../chardev/short-form.js';
import { type CommandLine, type GivenOption, type GivenText, given, inOption } from './command-line.js';
import { OPTION_GROUPS } from './groups.js';
import { OptionError } from './option-error.js';
import { parseOptionGroup } from './option-group.js';
import { checkIdentifier } from './values.js';

export interface MonitorConfiguration {
  /** What errors begin with; absent for one that no option asked for. */
  readonly source?: string;
  readonly id?: string;
  /** `control` speaks QMP, `readline` is for people. */
  readonly mode: 'control' | 'readline';
  readonly chardev: string;
  readonly pretty: boolean;
}

/** Character devices, and who uses them. */
export interface CharacterDeviceConfiguration {
  readonly chardevs: readonly ChardevConfiguration[];
  readonly monitors: readonly MonitorConfiguration[];
  /** The character device of each serial port, from COM1 on; undefined for a port without one. */
  readonly serials: readonly (string | undefined)[];
}

/** -chardev and -mon, and what -qmp, -monitor and -serial stand for. */
export function characterDevices(line: CommandLine): CharacterDeviceConfiguration {
  const chardevs = given(line, 'chardev').flatMap(({ source, values }) =>
    inOption(source, () => {
      if (values.id === undefined) throw new OptionError('chardev: no id specified');
      return chardevsFromOptions(String(values.id), values).map((chardev) => ({ ...chardev, source }));
    }),
  );
  const shortChardev = (source: string, text: string, id: string): boolean => {
    const expanded = expandShortChardev(text);
    if (expanded === undefined) return false;
    if (chardevs.some((chardev) => chardev.id === id)) {
      throw new OptionError(`Duplicate ID '${id}' for chardev`);
    }
    const values = parseOptionGroup(OPTION_GROUPS.chardev, `${expanded},id=${id}`);
    chardevs.push(...chardevsFromOptions(id, values).map((chardev) => ({ ...chardev, source })));
    return true;
  };
  const monitors = given(line, 'mon').map((option) => monitorFrom(option, chardevs));
  for (const { flag, text } of line.allTexts.filter(isShortMonitor)) {
    const source = `-${flag} ${text}`;
    const number = monitors.length - given(line, 'mon').length;
    inOption(source, () => {
      const named = chardevNamed(text);
      const id = named === undefined ? `compat_monitor${number}` : checkIdentifier(named);
      if (named === undefined && !shortChardev(source, text, id)) {
        throw new OptionError(`parse error: ${text}`);
      }
      if (monitors.some((monitor) => monitor.id === id)) {
        throw new OptionError(`Duplicate ID '${id}' for mon`);
      }
      const chardev = requireChardev(chardevs, id);
      const mode = flag === 'monitor' ? 'readline' : 'control';
      monitors.push({ source, id, mode, chardev, pretty: flag === 'qmp-pretty' });
    });
  }
  const serials = (line.texts.get('serial') ?? []).map((text, index) => {
    if (text === 'none') return undefined;
    const source = `-serial ${text}`;
    return inOption(source, () => {
      const named = chardevNamed(text);
      const id = named ?? `serial${index}`;
      const found =
        named === undefined ? shortChardev(source, text, id) : chardevs.some((chardev) => chardev.id === id);
      if (!found) {
        throw new OptionError(`could not connect serial device to character backend '${text}'`);
      }
      // A device that it shares with a monitor.
      if (text.startsWith('mon:')) monitors.push({ source, mode: 'readline', chardev: id, pretty: false });
      return id;
    });
  });
  const users = [...serials, ...monitors.map(({ chardev }) => chardev)];
  return {
    chardevs: chardevs.map((chardev) =>
      chardev.kind === 'mux'
        ? { ...chardev, users: users.filter((id) => id === chardev.id).length }
        : chardev,
    ),
    monitors,
    serials,
  };
}

/** -qmp, -qmp-pretty, and -monitor unless it asks for none. */
function isShortMonitor({ flag, text }: GivenText): boolean {
  return flag === 'qmp' || flag === 'qmp-pretty' || (flag === 'monitor' && !text.startsWith('none'));
}

/** The device that `chardev:ID` stands for. */
function chardevNamed(text: string): string | undefined {
  return text.startsWith('chardev:') ? text.slice('chardev:'.length) : undefined;
}

function monitorFrom(
  { source, values }: GivenOption,
  chardevs: readonly ChardevConfiguration[],
): MonitorConfiguration {
  return inOption(source, () => {
    const { id, mode = 'readline', chardev, pretty } = values;
    if (mode !== 'readline' && mode !== 'control') {
      throw new OptionError(`Parameter 'mode' does not accept value '${mode}'`);
    }
    if (chardev === undefined) throw new OptionError("Parameter 'chardev' is missing");
    if (mode === 'readline' && pretty === true) {
      throw new OptionError("'pretty' is not compatible with HMP monitors");
    }
    return {
      source,
      ...(typeof id === 'string' ? { id } : {}),
      mode,
      chardev: requireChardev(chardevs, String(chardev)),
      pretty: pretty === true,
    };
  });
}

function requireChardev(chardevs: readonly ChardevConfiguration[], id: string): string {
  if (!chardevs.some((chardev) => chardev.id === id)) throw new OptionError(`chardev "${id}" not found`);
  return id;
}
