/** What types the checks: the machine's own protocol here, and one generated from a server where they are compiled again. */
export { type Commands, type Events, protocol } from '@godwit/machine/protocol';
