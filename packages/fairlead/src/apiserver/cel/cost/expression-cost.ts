import type { CelProgram } from '../cel-program.ts';
import { type CelType, dyn } from '../types/cel-type.ts';
import { namespaces } from '../types/signatures.ts';
import type { NodeTypes } from '../types/type-checker.ts';
import { callCost, type Operand } from './call-cost.ts';
import { either, exactly, product, type Range, sum, unknownRange } from './range.ts';
import type { ValueLimits } from './value-limits.ts';

/** A node of the library's syntax tree. */
interface Node {
  readonly op: string;
  readonly args: unknown;
}

/** Steps from a variable to a value: `self`, names of fields, `@items`, `@values`, `@keys`. */
type Path = readonly string[];

/** A variable of a loop. */
interface LoopVariable {
  readonly path: Path;
  readonly size: Range | undefined;
}

type Scope = ReadonlyMap<string, LoopVariable>;

/** What is known of a part: its cost, where its value stands in the object, and how large it can be. */
interface Estimate {
  readonly cost: Range;
  readonly path?: Path;
  readonly size?: Range;
  /** Sizes of keys and values of a list or map that the expression itself makes. */
  readonly entry?: { readonly key: Range; readonly value: Range };
}

const newList = exactly(10);
const newMap = exactly(30);
const one = exactly(1);
const nothing = exactly(0);
const scalars: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);
const operators: Readonly<Record<string, string>> = { in: '@in', '!_': '!_', '-_': '-_' };
const transforms: ReadonlySet<string> = new Set(['transformList', 'transformMap', 'transformMapEntry']);

/**
 * The most that an expression can cost for one value of these limits, in the units of cel-go (0.26): a look at a
 * variable or field costs 1, a loop its longest range times its body, a search the lengths of both texts.
 */
export function worstCost(program: CelProgram, typeOf: NodeTypes, self: ValueLimits | undefined): number {
  return new CostEstimator(typeOf, self).of(program.ast as unknown as Node, new Map()).cost.max;
}

class CostEstimator {
  readonly #typeOf: NodeTypes;
  readonly #root: ValueLimits | undefined;

  constructor(typeOf: NodeTypes, root: ValueLimits | undefined) {
    this.#typeOf = typeOf;
    this.#root = root;
  }

  of(node: Node, scope: Scope): Estimate {
    const { op, args } = node;
    switch (op) {
      case 'value':
        return { cost: nothing, size: exactly(literalSize(args)) };
      case 'id':
        return this.#identifier(String(args), node, scope);
      case '.':
        return this.#select(node, scope);
      case 'list':
        return this.#list(args as Node[], scope);
      case 'map':
        return this.#map(args as [Node, Node][], scope);
      case 'rcall':
        return this.#method(node, scope);
      case 'call':
        return this.#function(node, scope);
      case '[]':
        return this.#index(node, scope);
    }
    const parts = (Array.isArray(args) ? args : [args]) as Node[];
    if (op === '.?') return { cost: sum(this.of(parts[0]!, scope).cost, one), ...this.#sizeOf(node) };
    if (op === '&&' || op === '||') {
      return { cost: sum(...parts.map((part) => this.of(part, scope).cost)), size: one };
    }
    if (op === '?:') return this.#conditional(parts, scope);
    if (op === '-_' && parts[0]?.op === 'value') return { cost: nothing, size: one };
    return this.#call(operators[op] ?? `_${op}_`, undefined, parts, node, scope);
  }

  #type(node: Node): CelType {
    return this.#typeOf.get(node) ?? dyn;
  }

  /** The size of a value by its place in the object, else by its type. */
  #sizeOf(node: Node, path?: Path, otherwise?: Range): { readonly size?: Range } {
    const limits = path === undefined || path.length === 0 ? undefined : this.#at(path);
    if (limits !== undefined) return { size: { min: 0, max: limits.maxElements } };
    const type = this.#type(node);
    const inner = type.kind === 'optional' ? type.inner : type;
    if (scalars.has(inner.kind)) return { size: one };
    return otherwise === undefined ? {} : { size: otherwise };
  }

  /** The first step is the variable; what a loop goes over that has no place counts from the root, as in cel-go. */
  #at(path: Path): ValueLimits | undefined {
    let limits = this.#root;
    for (const step of path.slice(1)) {
      if (step === '@keys') limits = limits?.fields === undefined && limits?.item !== undefined ? key : undefined;
      else if (step === '@items' || step === '@values') limits = limits?.item;
      else limits = limits?.fields?.get(step);
      if (limits === undefined) return undefined;
    }
    return limits;
  }

  #identifier(name: string, node: Node, scope: Scope): Estimate {
    const variable = scope.get(name);
    const path = variable?.path ?? [name];
    return { cost: one, path, ...this.#sizeOf(node, path, variable?.size) };
  }

  #select(node: Node, scope: Scope): Estimate {
    const [holder, name] = node.args as [Node, string];
    const inner = this.of(holder, scope);
    const { kind } = this.#type(holder);
    const path = [...(inner.path ?? []), name];
    const cost = kind === 'map' || kind === 'object' ? sum(inner.cost, one) : inner.cost;
    return { cost, path, ...this.#sizeOf(node, path) };
  }

  #index(node: Node, scope: Scope): Estimate {
    const [holder, index] = node.args as [Node, Node];
    const inner = this.of(holder, scope);
    const { kind } = this.#type(holder);
    const cost = sum(inner.cost, this.of(index, scope).cost, one);
    if (kind === 'optional') return { cost, ...this.#sizeOf(node) };
    const path = [...(inner.path ?? []), kind === 'list' ? '@items' : '@values'];
    if (inner.entry !== undefined) return { cost, path, size: inner.entry.value };
    return { cost, path, ...this.#sizeOf(node, path) };
  }

  #list(items: readonly Node[], scope: Scope): Estimate {
    const parts = items.map((item) => this.of(item, scope));
    return {
      cost: sum(newList, ...parts.map(({ cost }) => cost)),
      size: exactly(items.length),
      entry: { key: one, value: sizesOf(parts) },
    };
  }

  #map(entries: readonly (readonly [Node, Node])[], scope: Scope): Estimate {
    const keys = entries.map(([name]) => this.of(name, scope));
    const values = entries.map(([, value]) => this.of(value, scope));
    return {
      cost: sum(newMap, ...[...keys, ...values].map(({ cost }) => cost)),
      size: exactly(entries.length),
      entry: { key: sizesOf(keys), value: sizesOf(values) },
    };
  }

  #conditional(parts: readonly Node[], scope: Scope): Estimate {
    const [condition, yes, no] = parts.map((part) => this.of(part, scope)) as [Estimate, Estimate, Estimate];
    return {
      cost: sum(condition.cost, either(yes.cost, no.cost)),
      size: either(yes.size ?? unknownRange, no.size ?? unknownRange),
      ...bothEntries(yes, no),
    };
  }

  #function(node: Node, scope: Scope): Estimate {
    const [name, args] = node.args as [string, Node[]];
    if (name === 'has') {
      // Whether a field is there costs no more than the way to it.
      const [holder] = (args[0]?.args ?? []) as Node[];
      return { cost: holder === undefined ? one : this.of(holder, scope).cost, size: one };
    }
    if (name === 'dyn' && args[0] !== undefined) {
      const inner = this.of(args[0], scope);
      return { ...inner, cost: sum(inner.cost, one) };
    }
    // As a function, not as a method, cel-go takes a pattern for nothing.
    const plain = name === 'matches' || name === 'linearMatches' ? 'matches()' : name;
    return this.#call(plain, undefined, args, node, scope);
  }

  #method(node: Node, scope: Scope): Estimate {
    const [given, receiver, args] = node.args as [string, Node, Node[]];
    const name = given === 'linearMatches' ? 'matches' : given;
    const namespace = receiver.op === 'id' ? String(receiver.args) : '';
    if (namespaces.has(namespace) && !this.#typeOf.has(receiver)) {
      return this.#call(`${namespace}.${name}`, undefined, args, node, scope);
    }
    return this.#loop(name, receiver, args, scope) ?? this.#call(name, receiver, args, node, scope);
  }

  #call(name: string, receiver: Node | undefined, args: readonly Node[], node: Node, scope: Scope): Estimate {
    const operands = args.map((part) => this.of(part, scope));
    const target = receiver === undefined ? undefined : this.of(receiver, scope);
    const given = operands.map((estimate, index) => this.#operand(args[index]!, estimate));
    const own = callCost(name, target && this.#operand(receiver!, target), given);
    const cost = sum(own.cost, ...operands.map((part) => part.cost), target?.cost ?? nothing);
    const entries = name === '_+_' ? bothEntries(operands[0], operands[1]) : {};
    return own.size === undefined ? { cost, ...this.#sizeOf(node) } : { cost, size: own.size, ...entries };
  }

  #operand(node: Node, { size, path = [] }: Estimate): Operand {
    const items = path.length === 0 ? undefined : this.#at([...path, '@items']);
    return {
      type: this.#type(node),
      size: size ?? unknownRange,
      itemSize: items === undefined ? unknownRange : { min: 0, max: items.maxElements },
      whole: node.op === 'value' && typeof node.args === 'bigint' ? Number(node.args) : undefined,
    };
  }

  /** Macros over a list, map or optional; `undefined` for all other calls. */
  #loop(name: string, rangeNode: Node, args: readonly Node[], scope: Scope): Estimate | undefined {
    const [first, second] = args.map((part) => (part.op === 'id' ? String(part.args) : undefined));
    if (first === undefined || args.length < 2) return undefined;
    if (name === 'optMap' || name === 'optFlatMap') return this.#optional(name, rangeNode, first, args[1]!, scope);
    const isPredicate = name === 'all' || name === 'exists' || name === 'exists_one' || name === 'existsOne';
    const isTransform = transforms.has(name);
    if (!isPredicate && !isTransform && name !== 'map' && name !== 'filter') return undefined;
    const range = this.of(rangeNode, scope);
    const two = (isPredicate || isTransform) && args.length >= 3 && second !== undefined;
    const inner = new Map(scope);
    const isList = this.#type(rangeNode).kind === 'list';
    const keyVariable = { path: [...(range.path ?? []), isList ? '@indices' : '@keys'], size: range.entry?.key };
    const itemVariable = { path: [...(range.path ?? []), isList ? '@items' : '@values'], size: range.entry?.value };
    if (two) inner.set(first, keyVariable).set(second, itemVariable);
    else inner.set(first, isList ? itemVariable : keyVariable);
    const bodies = args.slice(two ? 2 : 1).map((part) => this.of(part, inner));
    const turns = range.size ?? unknownRange;
    const whole = (start: Range, turn: Range, end: Range): Range => sum(range.cost, start, product(turns, turn), end);
    const [body, last] = bodies as [Estimate, Estimate | undefined];
    if (isPredicate) {
      // A turn looks at what is known so far (`exists` at its opposite), then at the predicate.
      if (name === 'all') return { cost: whole(nothing, sum(exactly(3), body.cost), one), size: one };
      if (name === 'exists') return { cost: whole(nothing, sum(exactly(4), body.cost), one), size: one };
      return { cost: whole(nothing, sum(body.cost, exactly(2)), exactly(2)), size: one };
    }
    if (name === 'transformMap' || name === 'transformMapEntry') {
      const insert = sum(exactly(name === 'transformMap' ? 3 : 2), (last ?? body).cost);
      const turn = last === undefined ? insert : sum(body.cost, either(insert, one));
      return { cost: whole(newMap, turn, one), size: turns };
    }
    // A turn adds a list of one item to the list so far.
    const item = name === 'filter' ? this.of(args[0]!, inner) : (last ?? body);
    const append = sum(exactly(2), newList, item.cost);
    const filters = name === 'filter' || last !== undefined;
    const turn = filters ? sum(body.cost, either(append, one)) : append;
    const value = { min: 0, max: (item.size ?? unknownRange).max };
    return { cost: whole(newList, turn, one), size: turns, entry: { key: one, value } };
  }

  /** The value is taken out when there is one; the variable costs an empty list. */
  #optional(name: string, receiver: Node, variable: string, body: Node, scope: Scope): Estimate {
    const target = this.of(receiver, scope);
    const inner = new Map(scope).set(variable, { path: [], size: undefined });
    const bound = sum(newList, target.cost, one, this.of(body, inner).cost);
    const found = name === 'optMap' ? sum(bound, one) : bound;
    return { cost: sum(target.cost, one, either(found, one)) };
  }
}

/** Keys of a map are texts whose length no schema bounds; cel-go takes them for empty. */
const key: ValueLimits = { maxElements: 0, minBytes: 2 };

function literalSize(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  return value instanceof Uint8Array ? value.length : 1;
}

function sizesOf(parts: readonly Estimate[]): Range {
  if (parts.length === 0) return nothing;
  return parts.map(({ size }) => size ?? unknownRange).reduce(either);
}

function bothEntries(a: Estimate | undefined, b: Estimate | undefined): Pick<Estimate, 'entry'> | undefined {
  if (a?.entry === undefined || b?.entry === undefined) return undefined;
  return { entry: { key: either(a.entry.key, b.entry.key), value: either(a.entry.value, b.entry.value) } };
}
