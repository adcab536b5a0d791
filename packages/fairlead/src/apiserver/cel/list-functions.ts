import type { Environment } from '@marcbachmann/cel-js';
import { spendSteps } from './cel-budget.ts';
import { evaluationError } from './cel-library.ts';

type Comparable = string | number | bigint | boolean;

/** Kubernetes' list library and the `sets` library. */
export function registerListFunctions(env: Environment): void {
  env.registerFunction('list.isSorted(): bool', (list: readonly Comparable[]) => {
    spendSteps(list.length);
    return list.every((item, index) => index === 0 || list[index - 1]! <= item);
  });
  env.registerFunction('list.sum(): dyn', (list: readonly (number | bigint)[]) => {
    spendSteps(list.length);
    if (list.length === 0) return 0n;
    let whole = 0n;
    let real = 0;
    for (const item of list) {
      if (typeof item === 'bigint') whole += item;
      else real += item;
    }
    return typeof list[0] === 'bigint' ? whole : real;
  });
  const extreme = (
    list: readonly Comparable[],
    name: string,
    better: (a: Comparable, b: Comparable) => boolean,
  ): Comparable => {
    spendSteps(list.length);
    if (list.length === 0) throw evaluationError(`${name} called on empty list`);
    return list.reduce((best, item) => (better(item, best) ? item : best));
  };
  env.registerFunction('list.min(): dyn', (list: readonly Comparable[]) => extreme(list, 'min', (a, b) => a < b));
  env.registerFunction('list.max(): dyn', (list: readonly Comparable[]) => extreme(list, 'max', (a, b) => a > b));
  env.registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
    BigInt(positions(list, item)[0] ?? -1),
  );
  env.registerFunction('list.lastIndexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
    BigInt(positions(list, item).at(-1) ?? -1),
  );
  class SetsNamespace {}
  env.registerType('SetsNamespace', SetsNamespace).registerConstant('sets', 'SetsNamespace', new SetsNamespace());
  const contains = (list: readonly unknown[], part: readonly unknown[]): boolean => {
    const known = new Set(list.map(identity));
    spendSteps(list.length + part.length);
    return part.every((item) => known.has(identity(item)));
  };
  env.registerFunction(
    'SetsNamespace.contains(list, list): bool',
    (_: unknown, list: readonly unknown[], part: readonly unknown[]) => contains(list, part),
  );
  env.registerFunction(
    'SetsNamespace.equivalent(list, list): bool',
    (_: unknown, a: readonly unknown[], b: readonly unknown[]) => contains(a, b) && contains(b, a),
  );
  env.registerFunction(
    'SetsNamespace.intersects(list, list): bool',
    (_: unknown, a: readonly unknown[], b: readonly unknown[]) => {
      const known = new Set(a.map(identity));
      spendSteps(a.length + b.length);
      return b.some((item) => known.has(identity(item)));
    },
  );
}

function positions(list: readonly unknown[], item: unknown): number[] {
  spendSteps(list.length);
  const wanted = identity(item);
  return list.flatMap((candidate, index) => (identity(candidate) === wanted ? [index] : []));
}

/** A text that is the same for equal values. */
function identity(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, encoded: unknown) {
    // The value itself: a bigint comes here already made ready for its text.
    const inner = this[key];
    if (typeof inner === 'bigint') return Number.isSafeInteger(Number(inner)) ? Number(inner) : encoded;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
