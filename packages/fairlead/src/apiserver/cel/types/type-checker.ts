import { LinearPattern } from '@fairlead/api/crd/index';
import { at, type CelProgram } from '../cel-program.ts';
import { type Bindings, bool, type CelType, dyn, errorType, fits, resolved, typeText } from './cel-type.ts';
import { namespaces, type Overload, overloads } from './signatures.ts';

/** A node of the library's syntax tree. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
  readonly start: number;
  readonly end: number;
}

type Scope = ReadonlyMap<string, CelType>;

/** What type checking says: the type of the whole, or every fault as cel-go draws it. */
export type CheckedType =
  | { readonly ok: true; readonly type: CelType; readonly typeOf: NodeTypes }
  | { readonly ok: false; readonly text: string };

/** The types of the nodes of an expression. */
export type NodeTypes = ReadonlyMap<unknown, CelType>;

const binary: Readonly<Record<string, string>> = {
  '+': '_+_',
  '-': '_-_',
  '*': '_*_',
  '/': '_/_',
  '%': '_%_',
  '<': '_<_',
  '<=': '_<=_',
  '>': '_>_',
  '>=': '_>=_',
  '==': '_==_',
  '!=': '_!=_',
  in: '@in',
};
/** Functions whose text can be judged before it runs. */
const literals: Readonly<Record<string, (text: string) => boolean>> = {
  matches: (text) => LinearPattern.compile(text) instanceof LinearPattern,
  duration: (text) => text === '0' || /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text),
  timestamp: (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
};
const predicates: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'existsOne']);
const transforms: ReadonlySet<string> = new Set(['transformList', 'transformMap', 'transformMapEntry']);
const typeNames: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);

/** Checks the types of an expression whose variables have these types. */
export function checkTypes(program: Pick<CelProgram, 'source' | 'ast'>, variables: Scope): CheckedType {
  const checker = new TypeChecker(program.source);
  const type = checker.typeOf(program.ast as unknown as Node, variables);
  if (checker.faults.length === 0) return { ok: true, type, typeOf: checker.types };
  const faults = [...checker.faults].sort((a, b) => a.offset - b.offset);
  return { ok: false, text: faults.map(({ offset, text }) => at(program.source, offset, text)).join('\n') };
}

class TypeChecker {
  readonly faults: { readonly offset: number; readonly text: string }[] = [];
  readonly types: Map<unknown, CelType> = new Map();
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** The type of a node, `error` where it was refused. */
  typeOf(node: Node, scope: Scope): CelType {
    const type = this.#check(node, scope);
    this.types.set(node, type);
    return type;
  }

  #check(node: Node, scope: Scope): CelType {
    const { op, args } = node;
    if (op === 'value') {
      const isTooLong = typeof args === 'bigint' && BigInt.asIntN(64, args) !== args;
      return isTooLong ? this.#refuse(node.start, 'invalid int literal') : literalType(args);
    }
    if (op === 'id') return this.#identifier(node, scope);
    if (op === '.' || op === '.?') return this.#select(node, scope);
    if (op === 'rcall') return this.#method(node, scope);
    if (op === 'call') return this.#function(node, scope);
    if (op === 'list') return { kind: 'list', item: this.#common(args as Node[], scope) };
    if (op === 'map') return this.#mapLiteral(args as [Node, Node][], scope);
    const parts = (Array.isArray(args) ? args : [args]) as Node[];
    if (op === '&&' || op === '||') {
      for (const part of parts) this.#expectBool(part, scope);
      return bool;
    }
    if (op === '[]' || op === '[?]') {
      const types = parts.map((part) => this.typeOf(part, scope));
      return this.#apply(op === '[]' ? '_[_]' : '_[?_]', types, this.#find('[', parts[0]!.end));
    }
    if (op === '?:') {
      const types = parts.map((part) => this.typeOf(part, scope));
      return this.#apply('_?_:_', types, this.#find('?', parts[0]!.end));
    }
    if (op === '!_' || op === '-_') return this.#apply(op, [this.typeOf(parts[0]!, scope)], node.start);
    const name = binary[op];
    if (name === undefined) return dyn;
    const types = parts.map((part) => this.typeOf(part, scope));
    return this.#apply(name, types, this.#find(op, parts[0]!.end));
  }

  #refuse(offset: number, text: string): CelType {
    this.faults.push({ offset, text });
    return errorType;
  }

  /** Where a token stands at or behind an offset; brackets and blanks may come before it. */
  #find(token: string, from: number): number {
    const found = this.#source.indexOf(token, from);
    return found < 0 ? from : found;
  }

  /** A pattern, duration or time that is written out must be one. */
  #checkLiteral(name: string, node: Node | undefined): void {
    const text = node?.op === 'value' ? node.args : undefined;
    const isValid = literals[name];
    if (node === undefined || typeof text !== 'string' || isValid === undefined || isValid(text)) return;
    this.#refuse(node.start, `invalid ${name} argument`);
  }

  /** Where cel-go says that a node is: at its operator, dot or bracket. */
  #place(node: Node): number {
    const parts = (Array.isArray(node.args) ? node.args : []) as Node[];
    if (node.op === '.' || node.op === '.?') return this.#find('.', (parts[0] as Node).end);
    if (node.op === 'call') return this.#find('(', node.start);
    if (node.op === 'rcall') return this.#callPlace(node);
    if (node.op === '[]' || node.op === '[?]') return this.#find('[', parts[0]!.end);
    if (node.op === '?:') return this.#find('?', parts[0]!.end);
    const isBinary = binary[node.op] !== undefined || node.op === '&&' || node.op === '||';
    return isBinary ? this.#find(node.op, parts[0]!.end) : node.start;
  }

  #callPlace(node: Node): number {
    const [name, receiver] = node.args as [string, Node];
    return this.#find('(', this.#find(String(name), receiver.end));
  }

  #identifier(node: Node, scope: Scope): CelType {
    const name = String(node.args);
    const known = scope.get(name);
    if (known !== undefined) return known;
    if (typeNames.has(name)) return { kind: 'type' };
    return this.#refuse(node.start, `undeclared reference to '${name}' (in container '')`);
  }

  #select(node: Node, scope: Scope): CelType {
    const [inner, name] = node.args as [Node, string];
    return this.#field(this.typeOf(inner, scope), name, this.#find('.', inner.end), node.op === '.?');
  }

  #field(holder: CelType, name: string, offset: number, isOptional: boolean): CelType {
    const wrapped = holder.kind === 'optional' ? holder.inner : holder;
    const found = fieldType(wrapped, name);
    if (found === 'unselectable') {
      return this.#refuse(offset, `type '${typeText(wrapped)}' does not support field selection`);
    }
    if (found === undefined) return this.#refuse(offset, `undefined field '${name}'`);
    return isOptional || holder.kind === 'optional' ? { kind: 'optional', inner: found } : found;
  }

  #expectBool(node: Node, scope: Scope): void {
    const type = this.typeOf(node, scope);
    if (type.kind === 'bool' || type.kind === 'dyn' || type.kind === 'error') return;
    this.#refuse(this.#place(node), `expected type 'bool' but found '${typeText(type)}'`);
  }

  /** The one type of all items; literals do not mix types unless one is dynamic. */
  #common(items: readonly Node[], scope: Scope): CelType {
    let common: CelType | undefined;
    for (const item of items) {
      const type = this.typeOf(item, scope);
      if (common === undefined || common.kind === 'error') common = type;
      else if (type.kind === 'dyn') common = dyn;
      else if (type.kind !== 'error' && !fits(common, type, new Map())) {
        this.#refuse(this.#place(item), `expected type '${typeText(common)}' but found '${typeText(type)}'`);
        return dyn;
      }
    }
    return common ?? { kind: 'variable', name: 'A' };
  }

  /** What is formatted may be of several types. */
  #anyItems(node: Node, scope: Scope): CelType {
    if (node.op !== 'list') return this.typeOf(node, scope);
    for (const item of node.args as Node[]) this.typeOf(item, scope);
    return { kind: 'list', item: dyn };
  }

  #mapLiteral(entries: readonly (readonly [Node, Node])[], scope: Scope): CelType {
    const key = this.#common(
      entries.map(([node]) => node),
      scope,
    );
    return {
      kind: 'map',
      key,
      value: this.#common(
        entries.map(([, node]) => node),
        scope,
      ),
    };
  }

  #function(node: Node, scope: Scope): CelType {
    const [name, args] = node.args as [string, Node[]];
    const offset = this.#find('(', node.start);
    if (name === 'has') {
      const [select] = args;
      if (select?.op !== '.') return bool;
      const [inner, field] = select.args as [Node, string];
      this.#field(this.typeOf(inner, scope), field, offset, false);
      return bool;
    }
    const types = args.map((part) => this.typeOf(part, scope));
    const plain = name === 'linearMatches' ? 'matches' : name;
    this.#checkLiteral(plain, args[plain === 'matches' ? 1 : 0]);
    if (!overloads.has(plain)) return this.#refuse(offset, `undeclared reference to '${plain}' (in container '')`);
    return this.#apply(plain, types, offset);
  }

  #method(node: Node, scope: Scope): CelType {
    const [given, receiverNode, args] = node.args as [string, Node, Node[]];
    const name = given === 'linearMatches' ? 'matches' : given;
    const offset = this.#callPlaceOf(name, receiverNode);
    const namespace = receiverNode.op === 'id' ? String(receiverNode.args) : '';
    if (namespaces.has(namespace) && !scope.has(namespace)) {
      const types = args.map((part) => this.typeOf(part, scope));
      const full = `${namespace}.${name}`;
      if (!overloads.has(full)) return this.#refuse(offset, `undeclared reference to '${full}' (in container '')`);
      return this.#apply(full, types, offset);
    }
    const receiver = this.typeOf(receiverNode, scope);
    if (name === 'matches') this.#checkLiteral('matches', args[0]);
    const loop = this.#loop(name, receiver, receiverNode, args, scope, offset);
    if (loop !== undefined) return loop;
    const types = args.map((part) => (name === 'format' ? this.#anyItems(part, scope) : this.typeOf(part, scope)));
    if (!overloads.has(name)) {
      return this.#refuse(offset, `undeclared reference to '${name}' (in container '')`);
    }
    if (receiver.kind === 'dyn' && types.every(({ kind }) => kind === 'dyn'))
      return this.#result(name, receiver, types) ?? dyn;
    const result = this.#result(name, receiver, types);
    if (result !== undefined) return result;
    const shown = `${typeText(receiver)}.(${types.map(typeText).join(', ')})`;
    return this.#refuse(offset, `found no matching overload for '${name}' applied to '${shown}'`);
  }

  #callPlaceOf(name: string, receiver: Node): number {
    return this.#find('(', this.#find(name, receiver.end));
  }

  /** Macros that go over a list or map, or into an optional; `undefined` for all other calls. */
  #loop(
    name: string,
    range: CelType,
    rangeNode: Node,
    args: readonly Node[],
    scope: Scope,
    offset: number,
  ): CelType | undefined {
    const names = args.map((part) => (part.op === 'id' ? String(part.args) : undefined));
    const [first, second] = names;
    if (first === undefined || args.length < 2) return undefined;
    if (name === 'optMap' || name === 'optFlatMap') {
      const inner = new Map(scope).set(first, range.kind === 'optional' ? range.inner : dyn);
      const result = this.typeOf(args[1]!, inner);
      return name === 'optMap' ? { kind: 'optional', inner: result } : result;
    }
    const isLoop = predicates.has(name) || transforms.has(name) || name === 'map' || name === 'filter';
    if (!isLoop) return undefined;
    if (!['list', 'map', 'dyn', 'error'].includes(range.kind)) {
      const text = `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
      return this.#refuse(this.#place(rangeNode), text);
    }
    const two = (predicates.has(name) || transforms.has(name)) && args.length >= 3 && second !== undefined;
    const inner = new Map(scope);
    const key: CelType = range.kind === 'map' ? range.key : range.kind === 'list' ? { kind: 'int' } : dyn;
    const item: CelType = range.kind === 'list' ? range.item : range.kind === 'map' ? range.value : dyn;
    if (two) inner.set(first, key).set(second, item);
    else inner.set(first, range.kind === 'map' ? range.key : item);
    const bodies = args.slice(two ? 2 : 1);
    return this.#loopResult(name, range, bodies, inner, offset);
  }

  #loopResult(name: string, range: CelType, bodies: readonly Node[], scope: Scope, offset: number): CelType {
    const [body, last] = bodies as [Node, Node | undefined];
    if (predicates.has(name)) {
      this.#expectBool(body, scope);
      return bool;
    }
    const element: CelType = range.kind === 'list' ? range.item : range.kind === 'map' ? range.key : dyn;
    const list: CelType = { kind: 'list', item: element };
    if (name === 'filter') {
      this.#apply('_?_:_', [this.typeOf(body, scope), list, list], offset);
      return list;
    }
    if (last !== undefined) {
      const condition = this.typeOf(body, scope);
      const item = this.typeOf(last, scope);
      const result: CelType = { kind: 'list', item };
      this.#apply('_?_:_', [condition, result, result], offset);
      return name === 'transformMap' ? { kind: 'map', key: dyn, value: item } : result;
    }
    const item = this.typeOf(body, scope);
    if (name === 'transformMap')
      return { kind: 'map', key: range.kind === 'map' ? range.key : { kind: 'int' }, value: item };
    return name === 'transformMapEntry' ? item : { kind: 'list', item };
  }

  #apply(name: string, types: readonly CelType[], offset: number): CelType {
    const result = this.#result(name, undefined, types);
    if (result !== undefined) return result;
    const shown = `(${types.map(typeText).join(', ')})`;
    return this.#refuse(offset, `found no matching overload for '${name}' applied to '${shown}'`);
  }

  /** The result of the overloads that take these types; dynamic where they differ. */
  #result(name: string, receiver: CelType | undefined, types: readonly CelType[]): CelType | undefined {
    let result: CelType | undefined;
    for (const overload of overloads.get(name) ?? []) {
      const found = resultOf(overload, receiver, types);
      if (found === undefined) continue;
      if (result !== undefined && typeText(result) !== typeText(found)) return dyn;
      result = found;
    }
    return result;
  }
}

function resultOf(overload: Overload, receiver: CelType | undefined, types: readonly CelType[]): CelType | undefined {
  if ((overload.receiver === undefined) !== (receiver === undefined)) return undefined;
  if (overload.parameters.length !== types.length) return undefined;
  const bindings: Bindings = new Map();
  if (receiver !== undefined && !fits(overload.receiver!, receiver, bindings)) return undefined;
  const fit = overload.parameters.every((parameter, index) => fits(parameter, types[index]!, bindings));
  return fit ? resolved(overload.result, bindings) : undefined;
}

const authorizer = 'kubernetes.authorization.Authorizer';
const resourceCheck: CelType = { kind: 'opaque', name: 'kubernetes.authorization.ResourceCheck' };

function fieldType(holder: CelType, name: string): CelType | undefined | 'unselectable' {
  switch (holder.kind) {
    case 'object':
      return holder.field(name);
    case 'map':
      return holder.value;
    case 'dyn':
      return dyn;
    case 'error':
      return errorType;
    case 'opaque':
      return holder.name === authorizer && name === 'requestResource' ? resourceCheck : 'unselectable';
    default:
      return 'unselectable';
  }
}

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'bigint':
      return { kind: 'int' };
    case 'number':
      return { kind: 'double' };
    case 'string':
      return { kind: 'string' };
    case 'boolean':
      return bool;
    default:
      if (value === null) return { kind: 'null' };
      return value instanceof Uint8Array ? { kind: 'bytes' } : { kind: 'uint' };
  }
}
