import type { Native } from '@godwit/native';

/** A server that runs. */
export interface Server {
  /** The paths of its monitors. */
  readonly monitors: readonly [string, string];
  readonly pid: number;
  readonly ended: boolean;
  /** What it printed last. */
  readonly output: string;
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
  /** Ends it at once, and waits for that. */
  kill(): Promise<void>;
}

/** What was seen of a protocol while checks ran. */
export interface Seen {
  readonly commands: Set<string>;
  readonly events: Set<string>;
  /** What events carried that is not of their types. */
  readonly mismatches: string[];
}

/** What a check works with. */
export interface Stage {
  readonly native: Native;
  /** Its machine is stopped whenever a check begins. */
  readonly server: Server;
  /** QEMU's major version. */
  readonly version: number;
  readonly isQemu: boolean;
  /** It is not installed, but runs from where it was unpacked. */
  readonly unpacked: boolean;
  /** Where the types come from. */
  readonly types: 'machine' | 'generated';
  readonly seen: Seen;
  /** For files and sockets of the check's own. */
  readonly folder: string;
  /**
   * Starts another server of the same kind, which is ended with the check.
   * @param at where its monitors are; those of a server that has ended, or others unless given
   */
  start(extra: readonly string[], at?: Server): Promise<Server>;
}

/** Something that a program does with a server; it throws when that goes wrong. */
export interface Check {
  readonly name: string;
  /** What it needs; every server, unless given. */
  readonly needs?: (stage: Stage) => boolean;
  readonly run: (stage: Stage) => Promise<void>;
}
