import type { Environment, Optional } from '@marcbachmann/cel-js';
import { optionalNone, optionalOf } from './cel-library.ts';
import type { MacroCall, MacroChecker, MacroEvaluator, MacroScope } from './loop-macros.ts';

/** What cel-go's optional library has beyond the one of the parser library, and `strings.quote`. */
export function registerOptionalFunctions(env: Environment): void {
  const add = (name: string, wraps: boolean): void => {
    env.registerFunction(`optional.${name}(ast, ast): optional<dyn>`, ((given: MacroCall) => ({
      ...given,
      typeCheck: check,
      evaluate(evaluator: MacroEvaluator, call: MacroCall, scope: MacroScope) {
        const optional = evaluator.run(call.receiver, scope) as Optional;
        if (!optional.hasValue()) return optionalNone();
        const inside = call.inner!.reuse(scope).setIterValue(optional.value(), evaluator);
        const value = evaluator.run(call.args[1]!, inside);
        return wraps ? optionalOf(value) : value;
      },
    })) as never);
  };
  add('optMap', true);
  add('optFlatMap', false);
  env.registerFunction('OptionalNamespace.ofNonZeroValue(dyn): optional<dyn>', (_: unknown, value: unknown) =>
    isZero(value) ? optionalNone() : optionalOf(value),
  );
  class StringsNamespace {}
  env.registerType('StringsNamespace', StringsNamespace);
  env.registerConstant('strings', 'StringsNamespace', new StringsNamespace());
  env.registerFunction('StringsNamespace.quote(string): string', (_: unknown, text: string) => quoted(text));
}

function check(checker: MacroChecker, call: MacroCall, scope: MacroScope): unknown {
  const [variable, body] = call.args;
  if (variable?.op !== 'id' || body === undefined) {
    throw checker.createError('invalid_macro_argument', 'argument must be a simple name', variable ?? call.ast);
  }
  checker.check(call.receiver, scope);
  call.inner = scope.forkWithVariable(String(variable.args), checker.getType('dyn'));
  checker.check(body, call.inner);
  return checker.getType('optional');
}

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain && Object.keys(value).length === 0;
}

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** A text between quotes, with escapes for what does not show. */
function quoted(text: string): string {
  return `"${[...text.toWellFormed()].map((char) => escapes[char] ?? char).join('')}"`;
}
