import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { registerAuthorizerFunctions } from './authorizer-functions.ts';
import { type CelBudget, spendSteps, withBudget } from './cel-budget.ts';
import { celLibrary } from './cel-library.ts';
import { lexicalFaults } from './lexical-faults.ts';
import { registerListFunctions } from './list-functions.ts';
import { registerLoopMacros } from './loop-macros.ts';
import { registerNetworkFunctions } from './network-functions.ts';
import { registerOptionalFunctions } from './optional-functions.ts';
import { registerQuantityFunctions } from './quantity-functions.ts';
import { syntaxText } from './syntax-text.ts';
import { linearMatches, registerTextFunctions } from './text-functions.ts';

/** An expression that can be evaluated. */
export interface CelProgram {
  readonly source: string;
  /** `bool`, `string`, `int` … or `dyn` when it is not known before. */
  readonly type: string;
  /** Names that the expression mentions: variables, fields, functions. */
  readonly names: ReadonlySet<string>;
  readonly ast: ASTNode;
  run(variables: Readonly<Record<string, unknown>>, budget: CelBudget): CelResult;
}

/** What an evaluation gave; a failure holds Kubernetes' text. */
export type CelResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: 'error' | 'budget'; readonly text: string };

/** A compiled expression, or why it is none (the text after `compilation failed: `). */
export type Compiled =
  | { readonly ok: true; readonly program: CelProgram }
  | {
      readonly ok: false;
      readonly text: string;
      /** The tree of an expression that can be read, though its types do not fit. */
      readonly parsed?: Pick<CelProgram, 'source' | 'ast'>;
    };

const maxSourceLength = 64 * 1024;
/** Compiled expressions: a definition's are needed when it is checked and when it is served. */
const programs = new Map<string, Compiled>();
const maxPrograms = 4000;
const environments = new Map<string, Environment>();
let base: Environment | undefined;

/** The functions every expression can use. */
function libraryEnvironment(): Environment {
  const env = new (celLibrary().Environment)({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 20_000, maxDepth: 200 },
  });
  registerNetworkFunctions(env);
  registerTextFunctions(env);
  registerListFunctions(env);
  registerAuthorizerFunctions(env);
  registerLoopMacros(env);
  registerOptionalFunctions(env);
  registerQuantityFunctions(env);
  return env;
}

function environmentOf(variables: readonly string[]): Environment {
  const key = variables.join(',');
  let env = environments.get(key);
  if (env === undefined) {
    base ??= libraryEnvironment();
    env = base.clone();
    for (const variable of variables) {
      const [name = '', type = 'dyn'] = variable.split(': ');
      env.registerVariable(name, type);
    }
    environments.set(key, env);
  }
  return env;
}

/** Compiles an expression over variables (`self`, or with a type: `oldSelf: optional<dyn>`). */
export function compileCel(source: string, variables: readonly string[]): Compiled {
  if (source.length > maxSourceLength) return { ok: false, text: at('', 0, 'expression is too long') };
  const key = `${variables.join(',')}\n${source}`;
  let compiled = programs.get(key);
  if (compiled === undefined) {
    compiled = compile(source, variables);
    if (programs.size >= maxPrograms) programs.clear();
    programs.set(key, compiled);
  }
  return compiled;
}

function compile(source: string, variables: readonly string[]): Compiled {
  try {
    const parsed = environmentOf(variables).parse(source);
    const names = new Set<string>();
    prepare(parsed.ast, names);
    const checked = parsed.check();
    if (!checked.valid) {
      return { ok: false, text: faultText(source, checked.error), parsed: { source, ast: parsed.ast } };
    }
    return { ok: true, program: programOf(source, checked.type ?? 'dyn', parsed, names) };
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, text: at(source, 0, 'expression is nested too deeply') };
    return { ok: false, text: syntaxFaults(source, error, variables) };
  }
}

/** Characters that are no token, and what is wrong with the rest of the expression. */
function syntaxFaults(source: string, error: unknown, variables: readonly string[]): string {
  const { faults, cleaned } = lexicalFaults(source);
  if (faults.length === 0) return faultText(source, error);
  const texts = faults.map(({ offset, text }) =>
    at(source, offset, `Syntax error: token recognition error at: '${text}'`),
  );
  try {
    environmentOf(variables).parse(cleaned);
  } catch (other) {
    const { offset, text } = faultOf(cleaned, other);
    const before = faults.filter((fault) => fault.offset <= offset).length;
    texts.splice(before, 0, at(source, offset, text));
  }
  return texts.join('\n');
}

function programOf(
  source: string,
  type: string,
  parsed: { (context?: Record<string, unknown>): unknown; readonly ast: ASTNode },
  names: ReadonlySet<string>,
): CelProgram {
  return {
    source,
    type,
    names,
    ast: parsed.ast,
    run(variables, budget) {
      return withBudget(budget, (): CelResult => {
        try {
          if (!budget.spend(1)) return outOfBudget;
          const value = parsed(variables);
          return budget.isSpent ? outOfBudget : { ok: true, value };
        } catch (error) {
          if (budget.isSpent) return outOfBudget;
          return { ok: false, reason: 'error', text: evaluationText(error) };
        }
      });
    },
  };
}

const outOfBudget: CelResult = {
  ok: false,
  reason: 'budget',
  text: 'validation failed due to running out of cost budget, no further validation rules will be run',
};

/** An AST node with the parts the library keeps for itself (8.0.0, pinned). */
interface InnerNode {
  readonly op: string;
  args: unknown;
  setMeta?(key: string, value: unknown): unknown;
  readonly meta?: {
    readonly alternate?: { readonly op: string; readonly args: { condition?: (accu: unknown) => boolean } };
  };
}

/** `has()` of a field behind an index or call, which the library's own does not take. */
function widenHas(node: InnerNode): void {
  const list =
    Array.isArray(node.args) && node.op === 'call' && node.args[0] === 'has' ? (node.args[1] as InnerNode[]) : [];
  const [select] = list;
  if (list.length !== 1 || select?.op !== '.' || node.setMeta === undefined) return;
  const [inner, field] = select.args as [InnerNode, string];
  let root = inner;
  while (root.op === '.') root = (root.args as [InnerNode, string])[0];
  if (root.op === 'id') return;
  node.setMeta('macro', {
    async: false,
    typeCheck: (checker: HasChecker, _: unknown, scope: unknown) => {
      checker.check(inner, scope);
      return checker.getType('bool');
    },
    evaluate: (evaluator: HasEvaluator, _: unknown, scope: unknown) => {
      const value = evaluator.run(inner, scope);
      if (value instanceof Map) return value.has(field);
      return typeof value === 'object' && value !== null && Object.hasOwn(value, field);
    },
  });
}

/** What a macro is given to check its parts with. */
interface HasChecker {
  check(node: unknown, scope: unknown): unknown;
  getType(name: string): unknown;
}

/** What a macro is given to evaluate its parts with. */
interface HasEvaluator {
  run(node: unknown, scope: unknown): unknown;
}

/** Gathers names, puts the linear `matches` in place and makes every loop turn cost a step. */
function prepare(node: unknown, names: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) prepare(item, names);
    return;
  }
  if (typeof node !== 'object' || node === null || !('op' in node)) return;
  const inner = node as InnerNode;
  if (inner.op === 'id') names.add(String(inner.args));
  if ((inner.op === 'rcall' || inner.op === 'call') && Array.isArray(inner.args)) {
    names.add(String(inner.args[0]));
    if (inner.args[0] === 'matches') inner.args[0] = linearMatches;
  }
  if ((inner.op === '.' || inner.op === '.?') && Array.isArray(inner.args)) names.add(String(inner.args[1]));
  widenHas(inner);
  const loop = inner.meta?.alternate;
  if (loop?.op === 'comprehension') {
    const own = loop.args.condition;
    loop.args.condition = (accu) => spendSteps(1) && (own === undefined || own(accu));
  }
  if (Array.isArray(inner.args)) prepare(inner.args, names);
  else if (typeof inner.args === 'object') prepare(inner.args, names);
}

/** Kubernetes' text for an error during evaluation. */
function evaluationText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, summary } = error as { code?: string; summary?: string };
  const text = summary ?? error.message;
  switch (code) {
    case 'no_such_key':
      return text.replace(/^No such key/, 'no such key');
    case 'index_out_of_bounds':
      return `index out of bounds: ${/index (-?[0-9]+)/.exec(text)?.[1] ?? ''}`;
    case 'invalid_duration':
      return "type conversion error from 'string' to 'google.protobuf.Duration'";
    case 'invalid_timestamp':
    case 'invalid_timestamp_string':
      return "type conversion error from 'string' to 'google.protobuf.Timestamp'";
    case 'no_such_overload':
    case 'no_matching_overload':
      return 'no such overload';
    case 'optional_value_missing':
      return 'optional.none() dereference';
    default:
      return error instanceof celLibrary().EvaluationError || summary !== undefined ? text : error.message;
  }
}

function faultText(source: string, error: unknown): string {
  const { offset, text } = faultOf(source, error);
  return at(source, offset, text);
}

/** What is wrong and where. */
function faultOf(source: string, error: unknown): { readonly offset: number; readonly text: string } {
  const { summary, range, message } = error as {
    summary?: string;
    range?: { start: number; end: number };
    message?: string;
  };
  const text = summary ?? message ?? String(error);
  const start = range?.start ?? 0;
  if (text === 'has() invalid argument') return { offset: start, text: 'invalid argument to has() macro' };
  const unknown = /^Unknown variable: (.*)$/.exec(text);
  if (unknown !== null) return { offset: start, text: `undeclared reference to '${unknown[1]}' (in container '')` };
  const overload = /^found no matching overload for '([A-Za-z0-9_.]+)\((.*)\)'$/.exec(text);
  if (overload !== null) {
    const name = (overload[1] ?? '').split('.').at(-1);
    return {
      offset: start,
      text: `undeclared reference to '${name}' (in container ''), or no matching overload for '${overload[1]}' applied to '(${overload[2]})'`,
    };
  }
  const reserved = /^Reserved identifier: (.*)$/.exec(text)?.[1];
  if (reserved !== undefined) return { offset: start, text: `reserved identifier: ${reserved}` };
  if (error instanceof Error && error.name === 'ParseError') {
    return { offset: start, text: `Syntax error: ${syntaxText(source, text, range ?? { start, end: start })}` };
  }
  return { offset: start, text };
}

/** An error at a place of the source, as cel-go draws it. */
export function at(source: string, offset: number, text: string): string {
  const before = source.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1);
  const shown = source.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${text}\n | ${shown}\n | ${'.'.repeat(column)}^`;
}
