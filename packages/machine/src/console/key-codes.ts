/** What a key of a PC's keyboard says to X11, and its number on the wire. */
export interface KeyCode {
  /** Keysym (keysymdef.h) of the key alone. */
  readonly keysym: number;
  /** Keysym with Shift, where that is another one. */
  readonly shifted?: number;
  /** Scan code of set 1, 128 more for those with the prefix 0xe0. */
  readonly number: number;
}

type Row = readonly [name: string, keysym: number, number: number, shifted?: number];

/** Keys without a character. */
const FUNCTIONS: readonly Row[] = [
  ['shift', 0xffe1, 0x2a],
  ['shift_r', 0xffe2, 0x36],
  ['alt', 0xffe9, 0x38],
  ['alt_r', 0xffea, 0xb8],
  ['ctrl', 0xffe3, 0x1d],
  ['ctrl_r', 0xffe4, 0x9d],
  ['menu', 0xff67, 0xdd],
  ['esc', 0xff1b, 0x01],
  ['backspace', 0xff08, 0x0e],
  ['tab', 0xff09, 0x0f, 0xfe20],
  ['ret', 0xff0d, 0x1c],
  ['caps_lock', 0xffe5, 0x3a],
  ['num_lock', 0xff7f, 0x45],
  ['scroll_lock', 0xff14, 0x46],
  ['kp_divide', 0xffaf, 0xb5],
  ['kp_multiply', 0xffaa, 0x37],
  ['asterisk', 0xffaa, 0x37],
  ['kp_subtract', 0xffad, 0x4a],
  ['kp_add', 0xffab, 0x4e],
  ['kp_enter', 0xff8d, 0x9c],
  ['kp_decimal', 0xffae, 0x53],
  ['kp_comma', 0xffac, 0x7e],
  ['kp_equals', 0xffbd, 0x59],
  ['kp_0', 0xffb0, 0x52],
  ['kp_1', 0xffb1, 0x4f],
  ['kp_2', 0xffb2, 0x50],
  ['kp_3', 0xffb3, 0x51],
  ['kp_4', 0xffb4, 0x4b],
  ['kp_5', 0xffb5, 0x4c],
  ['kp_6', 0xffb6, 0x4d],
  ['kp_7', 0xffb7, 0x47],
  ['kp_8', 0xffb8, 0x48],
  ['kp_9', 0xffb9, 0x49],
  ['home', 0xff50, 0xc7],
  ['pgup', 0xff55, 0xc9],
  ['pgdn', 0xff56, 0xd1],
  ['end', 0xff57, 0xcf],
  ['left', 0xff51, 0xcb],
  ['up', 0xff52, 0xc8],
  ['down', 0xff54, 0xd0],
  ['right', 0xff53, 0xcd],
  ['insert', 0xff63, 0xd2],
  ['delete', 0xffff, 0xd3],
  ['lf', 0xff0a, 0x5b],
  ['meta_l', 0xffe7, 0xdb],
  ['meta_r', 0xffe8, 0xdc],
  ...[0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x57, 0x58].map(
    (number, index): Row => [`f${index + 1}`, 0xffbe + index, number],
  ),
];

/** Keys of the United States with their characters, alone and with Shift: for these a keysym is the character's code. */
const CHARACTERS: readonly (readonly [name: string, characters: string, number: number])[] = [
  ...[...'1234567890'].map(
    (digit, index) => [digit, `${digit}${'!@#$%^&*()'[index]}`, 0x02 + index] as const,
  ),
  ...letters('qwertyuiop', 0x10),
  ...letters('asdfghjkl', 0x1e),
  ...letters('zxcvbnm', 0x2c),
  ['minus', '-_', 0x0c],
  ['equal', '=+', 0x0d],
  ['bracket_left', '[{', 0x1a],
  ['bracket_right', ']}', 0x1b],
  ['semicolon', ';:', 0x27],
  ['apostrophe', '\'"', 0x28],
  ['grave_accent', '`~', 0x29],
  ['backslash', '\\|', 0x2b],
  ['comma', ',<', 0x33],
  ['dot', '.>', 0x34],
  ['slash', '/?', 0x35],
  ['spc', '  ', 0x39],
  ['less', '<>', 0x56],
];

function letters(row: string, first: number) {
  return [...row].map(
    (letter, index) => [letter, `${letter}${letter.toUpperCase()}`, first + index] as const,
  );
}

/** Keys by the names of QKeyCode. Those that are missing send a terminal nothing. */
export const KEY_CODES: ReadonlyMap<string, KeyCode> = new Map([
  ...FUNCTIONS.map(([name, keysym, number, shifted]): [string, KeyCode] => [
    name,
    { keysym, number, ...(shifted === undefined ? {} : { shifted }) },
  ]),
  ...CHARACTERS.map(([name, characters, number]): [string, KeyCode] => [
    name,
    { keysym: characters.charCodeAt(0), shifted: characters.charCodeAt(1), number },
  ]),
]);

/** The name of the key that has a number. */
export const KEYS_BY_NUMBER: ReadonlyMap<number, string> = new Map(
  // Of two names for one key, the first counts.
  [...KEY_CODES].reverse().map(([name, { number }]) => [number, name]),
);
