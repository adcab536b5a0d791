import type { Environment } from '@marcbachmann/cel-js';
import { spendSteps } from './cel-budget.ts';
import { evaluationError } from './cel-library.ts';

/** A node of the library's syntax tree (8.0.0, pinned), as far as macros look at it. */
export interface MacroNode {
  readonly op: string;
  readonly args: unknown;
}

/** A scope of variables: one variable more, and the same with its value. */
export interface MacroScope {
  forkWithVariable(name: string, type: unknown): MacroScope;
  reuse(outer: MacroScope): { setIterValue(value: unknown, evaluator: MacroEvaluator): MacroScope };
}

/** What the library gives a macro while types are checked. */
export interface MacroChecker {
  check(node: MacroNode, scope: MacroScope): unknown;
  getType(name: string): unknown;
  createError(code: string, message: string, node: MacroNode): Error;
}

/** What the library gives a macro while it runs. */
export interface MacroEvaluator {
  run(node: MacroNode, scope: MacroScope): unknown;
}

/** What a macro call is given, and what it keeps between checking and evaluation. */
export interface MacroCall {
  readonly ast: MacroNode;
  readonly receiver: MacroNode;
  readonly args: readonly MacroNode[];
  inner?: MacroScope;
  second?: MacroScope;
}

/** One turn of a loop: evaluates parts of the macro with its variables set. */
type Turn = (part: MacroNode) => unknown;

/** The result of a loop over turns; `parts` are the arguments after the variables. */
type Loop = (turns: Iterable<Turn>, parts: readonly MacroNode[]) => unknown;

/**
 * The two-variable comprehensions of CEL: index and value of a list, key and value of a map. Every turn costs a step.
 */
export function registerLoopMacros(env: Environment): void {
  const add = (signature: string, variables: 1 | 2, result: string, loop: Loop): void => {
    env.registerFunction(signature, ((given: MacroCall) => ({
      ...given,
      typeCheck: (checker: MacroChecker, call: MacroCall, scope: MacroScope) =>
        check(checker, call, scope, variables, result),
      evaluate: (evaluator: MacroEvaluator, call: MacroCall, scope: MacroScope) =>
        loop(turnsOf(evaluator, call, scope, variables), call.args.slice(variables)),
    })) as never);
  };
  add('list.all(ast, ast, ast): bool', 2, 'bool', all);
  add('list.exists(ast, ast, ast): bool', 2, 'bool', exists);
  for (const name of ['existsOne', 'exists_one']) add(`list.${name}(ast, ast, ast): bool`, 2, 'bool', existsOne);
  add('list.existsOne(ast, ast): bool', 1, 'bool', existsOne);
  add('list.transformList(ast, ast, ast): list<dyn>', 2, 'list<dyn>', transformList);
  add('list.transformList(ast, ast, ast, ast): list<dyn>', 2, 'list<dyn>', transformList);
  add('list.transformMap(ast, ast, ast): dyn', 2, 'dyn', transformMap);
  add('list.transformMap(ast, ast, ast, ast): dyn', 2, 'dyn', transformMap);
  add('list.transformMapEntry(ast, ast, ast): dyn', 2, 'dyn', transformMapEntry);
  add('list.transformMapEntry(ast, ast, ast, ast): dyn', 2, 'dyn', transformMapEntry);
}

function check(checker: MacroChecker, call: MacroCall, scope: MacroScope, variables: 1 | 2, result: string): unknown {
  const [first, second] = call.args;
  const names = [first, second].slice(0, variables).map((node) => {
    if (node?.op === 'id') return String(node.args);
    throw checker.createError('invalid_macro_argument', 'argument must be a simple name', node ?? call.ast);
  });
  if (variables === 2 && names[0] === names[1]) {
    throw checker.createError('invalid_macro_argument', `duplicate variable name: ${names[0]}`, second ?? call.ast);
  }
  checker.check(call.receiver, scope);
  const dyn = checker.getType('dyn');
  call.inner = scope.forkWithVariable(names[0] ?? '', dyn);
  call.second = variables === 2 ? call.inner.forkWithVariable(names[1] ?? '', dyn) : call.inner;
  for (const part of call.args.slice(variables)) checker.check(part, call.second);
  return checker.getType(result);
}

/** The turns of a loop; with one variable that is the item, with two its index or key and the value. */
function* turnsOf(
  evaluator: MacroEvaluator,
  call: MacroCall,
  scope: MacroScope,
  variables: 1 | 2,
): Generator<Turn & Keyed> {
  const value = evaluator.run(call.receiver, scope);
  for (const [key, item] of entriesOf(value)) {
    if (!spendSteps(1)) return;
    const first = call.inner!.reuse(scope).setIterValue(variables === 1 ? item : key, evaluator);
    const inside = variables === 1 ? first : call.second!.reuse(first).setIterValue(item, evaluator);
    yield Object.assign((part: MacroNode) => evaluator.run(part, inside), { key, item });
  }
}

/** Where a turn stands. */
interface Keyed {
  readonly key: unknown;
  readonly item: unknown;
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((item, index) => [BigInt(index), item]);
  if (value instanceof Map) return [...value];
  if (typeof value === 'object' && value !== null) return Object.entries(value);
  throw evaluationError('no such overload');
}

function isTrue(value: unknown): boolean {
  if (typeof value !== 'boolean') throw evaluationError('no such overload');
  return value;
}

/** A failing turn counts only when no other decides. */
function decided(turns: Iterable<Turn>, part: MacroNode, by: boolean): boolean {
  let failure: unknown;
  for (const turn of turns) {
    try {
      if (isTrue(turn(part)) === by) return by;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return !by;
}

function all(turns: Iterable<Turn>, [predicate]: readonly MacroNode[]): boolean {
  return decided(turns, predicate!, false);
}

function exists(turns: Iterable<Turn>, [predicate]: readonly MacroNode[]): boolean {
  return decided(turns, predicate!, true);
}

function existsOne(turns: Iterable<Turn>, [predicate]: readonly MacroNode[]): boolean {
  let count = 0;
  for (const turn of turns) if (isTrue(turn(predicate!))) count++;
  return count === 1;
}

/** Parts are a transformation, or a filter and a transformation. */
function passes(turn: Turn, parts: readonly MacroNode[]): boolean {
  return parts.length === 1 || isTrue(turn(parts[0]!));
}

function transformList(turns: Iterable<Turn>, parts: readonly MacroNode[]): unknown[] {
  const result: unknown[] = [];
  for (const turn of turns) if (passes(turn, parts)) result.push(turn(parts.at(-1)!));
  return result;
}

function transformMap(turns: Iterable<Turn>, parts: readonly MacroNode[]): Map<unknown, unknown> {
  const result = new Map<unknown, unknown>();
  for (const turn of turns as Iterable<Turn & Keyed>)
    if (passes(turn, parts)) result.set(turn.key, turn(parts.at(-1)!));
  return result;
}

function transformMapEntry(turns: Iterable<Turn>, parts: readonly MacroNode[]): Map<unknown, unknown> {
  const result = new Map<unknown, unknown>();
  for (const turn of turns) {
    if (!passes(turn, parts)) continue;
    for (const [key, value] of entriesOf(turn(parts.at(-1)!))) {
      if (result.has(key)) throw evaluationError(`insert failed: key ${String(key)} already exists`);
      result.set(key, value);
    }
  }
  return result;
}
