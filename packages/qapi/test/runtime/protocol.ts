import type { ProtocolDescriptor } from '../../src/runtime/index.js';

/** A small protocol with one of everything, by hand. */
export const protocol: ProtocolDescriptor = {
  types: {
    Color: { kind: 'enum', values: ['red', 'green', 'ultraviolet'], features: { ultraviolet: ['unstable'] } },
    Point: {
      kind: 'object',
      members: [
        { name: 'x', type: 'int8' },
        { name: 'y', type: 'uint32', optional: true },
        { name: 'label', type: 'str', optional: true, features: ['deprecated'] },
      ],
    },
    CacheOptions: { kind: 'object', members: [{ name: 'direct', type: 'bool', optional: true }] },
    FileOptions: {
      kind: 'object',
      members: [
        { name: 'filename', type: 'str' },
        { name: 'cache', type: 'CacheOptions', optional: true },
      ],
    },
    NodeRef: { kind: 'alternate', alternatives: ['Node', 'str', 'null'] },
    Limit: { kind: 'alternate', alternatives: ['Color', 'int'] },
    NodeKind: { kind: 'enum', values: ['file', 'filter', 'empty'] },
    FilterOptions: { kind: 'object', members: [{ name: 'file', type: 'NodeRef' }] },
    Node: {
      kind: 'object',
      members: [
        { name: 'id', type: 'str' },
        { name: 'kind', type: 'NodeKind' },
      ],
      tag: 'kind',
      branches: { file: 'FileOptions', filter: 'FilterOptions' },
    },
    'draw-arguments': {
      kind: 'object',
      members: [
        { name: 'points', type: ['Point'] },
        { name: 'color', type: 'Color', optional: true },
        { name: 'colors', type: [['Color']], optional: true },
        { name: 'size', type: 'size', optional: true },
        { name: 'offset', type: 'int', optional: true },
        { name: 'scale', type: 'number', optional: true },
        { name: 'extra', type: 'any', optional: true },
        { name: 'nothing', type: 'null', optional: true },
        { name: 'limit', type: 'Limit', optional: true },
        { name: 'limits', type: ['Limit'], optional: true },
      ],
    },
    Empty: { kind: 'object', members: [] },
    Drawn: { kind: 'object', members: [{ name: 'note', type: 'str', optional: true }] },
  },
  commands: {
    draw: { args: 'draw-arguments', returns: 'Point' },
    'add-node': { args: 'Node' },
    'list-nodes': { returns: ['Node'] },
    ping: {},
    old: { features: ['deprecated'] },
  },
  events: { DRAWN: { data: 'Drawn' }, PING: {} },
};
