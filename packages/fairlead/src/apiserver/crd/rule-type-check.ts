import { itemsOf, type JsonSchema } from '@fairlead/api/crd/index';
import { at, type CelProgram } from '../cel/cel-program.ts';
import { celFieldName } from '../cel/cel-value.ts';

/** A node of the library's syntax tree. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
}

/** What is known of a value: its schema, and whether it is a whole resource; nothing known is `undefined`. */
interface Known {
  readonly schema: JsonSchema;
  readonly isResource: boolean;
}

type Scope = ReadonlyMap<string, Known | undefined>;

/** Loops over one variable, and over index or key and value. */
const oneVariable: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'existsOne',
  'map',
  'filter',
  'sortBy',
]);
const twoVariables: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'existsOne',
  'transformList',
  'transformMap',
  'transformMapEntry',
]);
/** Calls whose result is as their receiver. */
const sameAsReceiver: ReadonlySet<string> = new Set(['filter', 'sortBy']);
const resourceMetadata: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};
const text: JsonSchema = { type: 'string' };

/**
 * The first field an expression reads that the schema of `self` does not have, as cel-go words it; `undefined` when
 * every field is known or nothing can be said. `variables` are those with the type of `self`.
 */
export function undeclaredField(
  program: CelProgram,
  schema: JsonSchema,
  isRoot: boolean,
  variables: readonly string[],
): string | undefined {
  const checker = new FieldChecker();
  const self: Known = { schema, isResource: isRoot };
  checker.typeOf(program.ast as unknown as Node, new Map(variables.map((name) => [name, self])));
  return checker.fault === undefined ? undefined : at(program.source, checker.fault.offset, checker.fault.text);
}

class FieldChecker {
  fault: { readonly offset: number; readonly text: string } | undefined;

  /** Looks through an expression; the result is what is known of its value. */
  typeOf(node: unknown, scope: Scope): Known | undefined {
    if (this.fault !== undefined) return undefined;
    if (Array.isArray(node)) {
      for (const part of node) this.typeOf(part, scope);
      return undefined;
    }
    if (!isNode(node)) return undefined;
    const { op, args } = node;
    if (op === 'id') return scope.get(String(args));
    if (op === 'value' || !Array.isArray(args)) {
      this.typeOf(args, scope);
      return undefined;
    }
    if (op === '.' || op === '.?') {
      const receiver = this.typeOf(args[0], scope);
      return this.#select(receiver, String(args[1]), op === '.' ? node.pos - 1 : node.pos);
    }
    if (op === '[]' || op === '[?]') {
      const receiver = this.typeOf(args[0], scope);
      this.typeOf(args[1], scope);
      return receiver === undefined ? undefined : elementOf(receiver.schema);
    }
    if (op === 'rcall') return this.#call(String(args[0]), args[1], asNodes(args[2]), scope);
    if (op === '?:') {
      this.typeOf(args, scope);
      return undefined;
    }
    this.typeOf(args, scope);
    return undefined;
  }

  #select(receiver: Known | undefined, name: string, offset: number): Known | undefined {
    if (receiver === undefined) return undefined;
    const { schema, isResource } = receiver;
    const embedded = isResource || schema['x-kubernetes-embedded-resource'] === true;
    if (embedded && (name === 'kind' || name === 'apiVersion')) return known(text);
    if (embedded && name === 'metadata') return known(resourceMetadata);
    if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true) {
      return known(propertyOf(schema, name));
    }
    if (typeof schema.additionalProperties === 'object') return known(schema.additionalProperties);
    if (schema.type !== 'object' || (schema.properties === undefined && !embedded)) return undefined;
    const property = propertyOf(schema, name);
    if (property === undefined) this.fault = { offset, text: `undefined field '${name}'` };
    return known(property);
  }

  #call(name: string, receiverNode: unknown, args: readonly unknown[], scope: Scope): Known | undefined {
    const receiver = this.typeOf(receiverNode, scope);
    if (name === 'bind' && isName(receiverNode) === 'cel' && args.length === 3) {
      return this.typeOf(args[2], scopeWith(scope, isName(args[0]) ?? '', this.typeOf(args[1], scope)));
    }
    const element = receiver === undefined ? undefined : elementOf(receiver.schema);
    const [first, second] = [isName(args[0]), isName(args[1])];
    const isMap = receiver !== undefined && receiver.schema.type !== 'array';
    if (twoVariables.has(name) && args.length >= 3 && first !== undefined && second !== undefined && name !== 'map') {
      const inner = scopeWith(scopeWith(scope, first, undefined), second, element);
      for (const part of args.slice(2)) this.typeOf(part, inner);
      return undefined;
    }
    if (oneVariable.has(name) && args.length >= 2 && first !== undefined) {
      const inner = scopeWith(scope, first, isMap ? undefined : element);
      for (const part of args.slice(1)) this.typeOf(part, inner);
      return sameAsReceiver.has(name) ? receiver : undefined;
    }
    for (const part of args) this.typeOf(part, scope);
    return undefined;
  }
}

function known(schema: JsonSchema | undefined): Known | undefined {
  return schema === undefined ? undefined : { schema, isResource: false };
}

function scopeWith(scope: Scope, name: string, value: Known | undefined): Scope {
  return new Map([...scope, [name, value]]);
}

/** The schema of the items of a list or the values of a map. */
function elementOf(schema: JsonSchema): Known | undefined {
  if (schema.type === 'array') return known(itemsOf(schema));
  return typeof schema.additionalProperties === 'object' ? known(schema.additionalProperties) : undefined;
}

/** A property by its name in CEL. */
function propertyOf(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties } = schema;
  if (properties === undefined) return undefined;
  // Reserved words may be read as they are, and escaped.
  if (Object.hasOwn(properties, name) && celFieldName(name) !== undefined) return properties[name];
  const found = Object.keys(properties).find((property) => celFieldName(property) === name);
  return found === undefined ? undefined : properties[found];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value;
}

function asNodes(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isName(node: unknown): string | undefined {
  return isNode(node) && node.op === 'id' ? String(node.args) : undefined;
}
