/** Indexes of a Job as text (`0,2-4`): how many there are, or what is wrong with them in the words of a server. */
export type JobIndexes = { readonly ok: true; readonly total: number } | { readonly ok: false; readonly error: string };

type Interval = { readonly from: number; readonly to: number } | { readonly error: string };

/** Reads indexes below `completions`, which stand in increasing order. */
export function readJobIndexes(text: string, completions: number): JobIndexes {
  if (text === '') return { ok: true, total: 0 };
  let total = 0;
  let last: number | undefined;
  for (const part of text.split(',')) {
    const interval = readInterval(part, completions);
    if ('error' in interval) return { ok: false, error: interval.error };
    if (last !== undefined && last >= interval.from) {
      return { ok: false, error: `non-increasing order, previous: ${last}, current: ${interval.from}` };
    }
    total += interval.to - interval.from + 1;
    last = interval.to;
  }
  return { ok: true, total };
}

/** The first index that is in both texts; parts that cannot be read count as absent. */
export function commonJobIndex(one: string, other: string, completions: number): number | undefined {
  if (one === '' || other === '') return undefined;
  const [a, b] = [one, other].map((text) =>
    text.split(',').flatMap((part) => {
      const interval = readInterval(part, completions);
      return 'error' in interval ? [] : [interval];
    }),
  );
  let [i, k] = [0, 0];
  while (i < a!.length && k < b!.length) {
    const [x, y] = [a![i]!, b![k]!];
    if (x.from <= y.to && y.from <= x.to) return Math.max(x.from, y.from);
    if (x.from <= y.from) i++;
    else k++;
  }
  return undefined;
}

function readInterval(part: string, completions: number): Interval {
  const limits = part.split('-');
  if (limits.length > 2) {
    const rule = "an index interval can have at most two parts separated by '-'";
    return { error: `the fragment ${JSON.stringify(part)} violates the requirement that ${rule}` };
  }
  const numbers: number[] = [];
  for (const limit of limits) {
    const quoted = JSON.stringify(limit);
    if (!/^[+-]?\d+$/.test(limit)) return { error: `cannot convert string to integer for index: ${quoted}` };
    if (Number(limit) >= completions) return { error: `too large index: ${quoted}` };
    numbers.push(Number(limit));
  }
  const [from = 0, to = from] = numbers;
  if (numbers.length > 1 && from >= to) return { error: `non-increasing order, previous: ${from}, current: ${to}` };
  return { from, to };
}
