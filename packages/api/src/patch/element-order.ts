import { isJsonObject, jsonEqual } from '../own-property.ts';

/**
 * The order of a merged list. Items named by `order` (a patch, or its
 * `$setElementOrder`) follow it; the others keep the order they had in `before`.
 * The two sequences are interleaved: an unnamed item comes first only where
 * `before` knows both and had it first.
 */
export function orderItems(
  merged: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const same = (a: unknown, b: unknown): boolean =>
    key !== undefined && isJsonObject(a) && isJsonObject(b) ? jsonEqual(a[key], b[key]) : jsonEqual(a, b);
  const place = (list: readonly unknown[], item: unknown): number => list.findIndex((other) => same(other, item));
  const named = merged
    .map((item) => ({ item, rank: place(order, item) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
  const rest = merged.filter((item) => place(order, item) < 0);
  const result: unknown[] = [];
  let nextRest = 0;
  for (const item of named) {
    const at = place(before, item);
    while (nextRest < rest.length && at >= 0) {
      const other = place(before, rest[nextRest]);
      if (other < 0 || other > at) break;
      result.push(rest[nextRest++]);
    }
    result.push(item);
  }
  result.push(...rest.slice(nextRest));
  return result;
}
