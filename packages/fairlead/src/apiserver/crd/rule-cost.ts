import { itemsOf, type JsonSchema } from '@fairlead/api/crd/index';
import type { CelProgram } from '../cel/cel-program.ts';

/** A rule may cost this much for one object, all its places together (Kubernetes' limit per rule). */
export const ruleCostLimit = 10_000_000;
/** All rules of a definition together (Kubernetes' limit). */
export const definitionCostLimit = 100_000_000;
/** A request holds no more bytes, so a list without `maxItems` holds no more items than fit. */
const requestMaxBytes = 3 * 1024 * 1024;

/** A node of the library's syntax tree. */
interface Node {
  readonly op: string;
  readonly args: unknown;
}

type Scope = ReadonlyMap<string, JsonSchema | undefined>;

const loops: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'existsOne',
  'map',
  'filter',
  'sortBy',
  'transformList',
  'transformMap',
  'transformMapEntry',
]);

/**
 * The least that an expression may cost in the worst case, in cel-go's units: a look at a variable or field is 1, a loop
 * is its longest range times its body. Where Kubernetes estimates more (searches in texts, comparisons of lists), this
 * stays below: what it refuses a Kubernetes server refuses too. The run-time budget bounds the rest.
 */
export function leastWorstCost(program: CelProgram, self: JsonSchema): number {
  return new CostEstimate().of(
    program.ast as unknown as Node,
    new Map([
      ['self', self],
      ['oldSelf', self],
    ]),
  ).cost;
}

/** Cost of a part, and the schema of its value where that is known. */
interface Estimate {
  readonly cost: number;
  readonly schema: JsonSchema | undefined;
}

class CostEstimate {
  of(node: unknown, scope: Scope): Estimate {
    if (Array.isArray(node)) {
      return { cost: node.reduce<number>((sum, part) => sum + this.of(part, scope).cost, 0), schema: undefined };
    }
    if (typeof node !== 'object' || node === null || !('op' in node)) return free;
    const { op, args } = node as Node;
    if (op === 'value') return free;
    if (op === 'id') return { cost: 1, schema: scope.get(String(args)) };
    if (!Array.isArray(args)) return { cost: this.of(args, scope).cost, schema: undefined };
    if (op === '.' || op === '.?') {
      const receiver = this.of(args[0], scope);
      return { cost: receiver.cost + 1, schema: memberOf(receiver.schema, String(args[1])) };
    }
    if (op === '[]' || op === '[?]') {
      const receiver = this.of(args[0], scope);
      return { cost: receiver.cost + this.of(args[1], scope).cost + 1, schema: elementOf(receiver.schema) };
    }
    if (op === 'rcall') return this.#call(String(args[0]), args[1], Array.isArray(args[2]) ? args[2] : [], scope);
    // One side of these may never be looked at.
    if (op === '&&' || op === '||') return this.of(args[0], scope);
    if (op === '?:') {
      const [condition, yes, no] = args.map((part) => this.of(part, scope).cost);
      return { cost: (condition ?? 0) + Math.max(yes ?? 0, no ?? 0), schema: undefined };
    }
    return this.of(args, scope);
  }

  #call(name: string, receiverNode: unknown, args: readonly unknown[], scope: Scope): Estimate {
    const receiver = this.of(receiverNode, scope);
    const variables = loops.has(name) ? args.filter((part, index) => index < 2 && isName(part) !== undefined) : [];
    const count = args.length >= 3 && variables.length === 2 && name !== 'map' ? 2 : Math.min(1, variables.length);
    if (count === 0 || args.length <= count) {
      return { cost: receiver.cost + this.of(args, scope).cost + 1, schema: undefined };
    }
    const element = elementOf(receiver.schema);
    const inner = new Map(scope);
    const isMap = receiver.schema?.type === 'object';
    inner.set(isName(args[0]) ?? '', count === 1 && !isMap ? element : undefined);
    if (count === 2) inner.set(isName(args[1]) ?? '', element);
    const body = this.of(args.slice(count), inner).cost;
    const keeps = name === 'filter' || name === 'sortBy';
    return { cost: receiver.cost + longest(receiver.schema) * (body + 1), schema: keeps ? receiver.schema : undefined };
  }
}

const free: Estimate = { cost: 0, schema: undefined };

/** The most items a list or map of this schema can have; 1 where nothing is known. */
export function longest(schema: JsonSchema | undefined): number {
  if (schema === undefined) return 1;
  if (schema.type === 'array') return schema.maxItems ?? fitting(leastBytes(itemsOf(schema)));
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    // A key takes its two quotes, two characters, a colon and a comma.
    return schema.maxProperties ?? fitting(leastBytes(schema.additionalProperties) + 5);
  }
  return 1;
}

function fitting(itemBytes: number): number {
  return Math.floor((requestMaxBytes - 2) / (itemBytes + 1));
}

/** The fewest bytes of JSON a value of this schema takes. */
function leastBytes(schema: JsonSchema | undefined): number {
  switch (schema?.type) {
    case 'string':
      return 2 + (schema.enum === undefined ? (schema.minLength ?? 0) : 0);
    case 'boolean':
      return 4;
    case 'array':
      return 2;
    case 'object':
      return (schema.required ?? []).reduce((sum, name) => {
        const property = schema.properties?.[name];
        return property === undefined || property.default !== undefined
          ? sum
          : sum + name.length + 4 + leastBytes(property);
      }, 2);
    default:
      return 1;
  }
}

function memberOf(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  if (schema?.properties !== undefined && Object.hasOwn(schema.properties, name)) return schema.properties[name];
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

function elementOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  if (schema?.type === 'array') return itemsOf(schema);
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

function isName(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !('op' in node)) return undefined;
  return (node as Node).op === 'id' ? String((node as Node).args) : undefined;
}

/** Kubernetes' words for a cost over a limit; `undefined` when it is within. */
export function costFault(what: string, cost: number, limit: number): string | undefined {
  if (cost <= limit) return undefined;
  const factor = cost / limit;
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How often a place in the schema can occur in one object; `undefined` when a list or map around it has no bound. */
export type Occurrences = number | undefined;

/** Occurrences of what is inside a list or map. */
export function occurrencesInside(schema: JsonSchema, outside: Occurrences): Occurrences {
  const bound = schema.type === 'array' ? schema.maxItems : schema.maxProperties;
  return outside === undefined || bound === undefined ? undefined : outside * bound;
}

/** The cost of a rule over all its places: without a bound there are as many as fit into a request. */
export function totalCost(cost: number, schema: JsonSchema, occurrences: Occurrences): number {
  return cost * (occurrences ?? Math.max(1, Math.floor(requestMaxBytes / (leastBytes(schema) + 1))));
}
