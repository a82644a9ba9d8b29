/** What a viewer may do to the machine (`power-control=on`). */
export type PowerAction = 'shutdown' | 'reset';

/** The only version of the XVP extension. */
const VERSION = 1;

/** Codes of its messages. */
const Code = { FAIL: 0, INIT: 1, SHUTDOWN: 2, RESET: 4 } as const;

/** Says that the server takes such messages. */
export const POWER_OFFERED: Uint8Array = Uint8Array.of(250, 0, VERSION, Code.INIT);
/** Says that it did not do what it was told to. */
export const POWER_REFUSED: Uint8Array = Uint8Array.of(250, 0, VERSION, Code.FAIL);

/** What a message asks for; undefined for a version or a code that is not known, and for a reboot, which nobody can promise. */
export function powerAction(version: number, code: number): PowerAction | undefined {
  if (version !== VERSION) return undefined;
  if (code === Code.SHUTDOWN) return 'shutdown';
  return code === Code.RESET ? 'reset' : undefined;
}
