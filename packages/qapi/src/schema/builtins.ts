import type { JsonKind } from './model.js';

/** The built-in types, with the JSON kind of their values. */
export const builtinTypes: readonly (readonly [name: string, json: JsonKind])[] = [
  ['str', 'string'],
  ['number', 'number'],
  ['int', 'int'],
  ['int8', 'int'],
  ['int16', 'int'],
  ['int32', 'int'],
  ['int64', 'int'],
  ['uint8', 'int'],
  ['uint16', 'int'],
  ['uint32', 'int'],
  ['uint64', 'int'],
  ['size', 'int'],
  ['bool', 'boolean'],
  ['any', 'value'],
  ['null', 'null'],
];

/** The enum of the kinds of JSON values, which every schema has. */
export const qtypeName = 'QType';
export const qtypeValues = ['none', 'qnull', 'qnum', 'qstring', 'qdict', 'qlist', 'qbool'];
export const qtypePrefix = 'QTYPE';

/** The struct without members, which every schema has. */
export const emptyObjectName = 'q_empty';

export const builtinModuleName = './builtin';
