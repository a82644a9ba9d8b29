/** The syntax tree: JSON-like values as written, each with its offsets in the source. */
export interface StringNode {
  readonly kind: 'string';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export interface BooleanNode {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly start: number;
  readonly end: number;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly ValueNode[];
  readonly start: number;
  readonly end: number;
}

export interface ObjectNode {
  readonly kind: 'object';
  /** By key, in the order in which they were written. */
  readonly entries: ReadonlyMap<string, EntryNode>;
  readonly start: number;
  readonly end: number;
}

export interface EntryNode {
  readonly key: StringNode;
  readonly value: ValueNode;
}

export type ValueNode = StringNode | BooleanNode | ListNode | ObjectNode;

/** Anything that has a place in a source. */
export interface Located {
  readonly start: number;
  readonly end: number;
}
