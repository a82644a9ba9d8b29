import type { ObjectNode, ValueNode } from '../../language/ast.js';
import type { Condition } from '../../schema/model.js';
import type { DefinitionContext } from './context.js';

const identifier = /^[A-Z][A-Z0-9_]*$/;
const operators = ['all', 'any', 'not'];

/** The `if` of `node`, which is `what`; undefined when there is none, or none that is right. */
export function readCondition(
  context: DefinitionContext,
  node: ObjectNode,
  what: string,
): Condition | undefined {
  const entry = node.entries.get('if');
  return entry === undefined ? undefined : readOperand(context, entry.value, what);
}

function readOperand(context: DefinitionContext, value: ValueNode, what: string): Condition | undefined {
  const fail = (message: string): undefined => context.report('condition', message, value) as undefined;
  if (value.kind === 'string') {
    if (identifier.test(value.value)) return value.value;
    return fail(`'if' condition '${value.value}' of ${what} is not a valid identifier`);
  }
  if (value.kind !== 'object') return fail(`'if' condition of ${what} must be a string or an object`);
  const unknown = [...value.entries.keys()].filter((key) => !operators.includes(key)).sort();
  if (unknown.length > 0) {
    const names = unknown.map((key) => `'${key}'`).join(', ');
    const plural = unknown.length === 1 ? '' : 's';
    return fail(
      `'if' condition of ${what} has unknown key${plural} ${names}\nValid keys are 'all', 'any', 'not'.`,
    );
  }
  const [entry] = value.entries.values();
  if (entry === undefined || value.entries.size !== 1) {
    return fail(`'if' condition of ${what} has conflicting keys`);
  }
  return readOperator(context, entry.key.value, entry.value, what);
}

function readOperator(
  context: DefinitionContext,
  operator: string,
  value: ValueNode,
  what: string,
): Condition | undefined {
  if (operator === 'not') {
    const operand = readOperand(context, value, what);
    return operand === undefined ? undefined : { not: operand };
  }
  if (value.kind !== 'list') {
    context.report('condition', `'${operator}' condition of ${what} must be an array`, value);
    return undefined;
  }
  if (value.items.length === 0) {
    context.report('condition', `'if' condition [] of ${what} is useless`, value);
    return undefined;
  }
  const operands: Condition[] = [];
  for (const item of value.items) {
    const operand = readOperand(context, item, what);
    if (operand !== undefined) operands.push(operand);
  }
  return operator === 'all' ? { all: operands } : { any: operands };
}
