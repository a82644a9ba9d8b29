import type { FlagName } from '../options/flags.js';

/** What an option lists when its value is `help` or `?`. */
const LISTS: { readonly [Name in FlagName]?: () => Promise<string> } = {
  accel: async () => 'Accelerators supported in QEMU binary:\nsim\n',
  chardev: async () => {
    const { CHARDEV_KINDS } = await import('../chardev/configuration.js');
    return `Available chardev backend types: \n${CHARDEV_KINDS.map((kind) => `  ${kind}\n`).join('')}\n`;
  },
  cpu: async () => 'Available CPUs:\nx86 sim\n',
  device: async () => {
    const { DRIVER_NAMES } = await import('../devices/index.js');
    return `Misc devices:\n${DRIVER_NAMES.map((name) => `name "${name}", bus PCI\n`).join('')}`;
  },
  display: async () => 'Available display backend types:\nnone\nvnc\n',
  machine: async () => 'Supported machines are:\nsim                  embedded guest (default)\n',
  object: async () => {
    const { OBJECT_TYPES } = await import('../qom/types.js');
    const names = OBJECT_TYPES.filter(({ userCreatable }) => userCreatable).map(({ name }) => name);
    return `List of user creatable objects:\n${names.map((name) => `  ${name}\n`).join('')}`;
  },
};

/** What the first option asks for that is written with `help`; undefined where none is. */
export async function listAskedFor(args: readonly string[]): Promise<string | undefined> {
  for (const [index, argument] of args.entries()) {
    const name = argument.replace(/^--?/, '');
    const list = LISTS[(name === 'M' ? 'machine' : name) as FlagName];
    const value = args[index + 1];
    if (argument.startsWith('-') && list !== undefined && (value === 'help' || value === '?')) return list();
  }
  return undefined;
}
