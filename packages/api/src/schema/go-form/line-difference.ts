const CONTEXT = 3;
/** From this many lines on, lines that are common in the new text no longer start a match. */
const MANY_LINES = 200;

/** Lines that both texts have in a row: `size` lines from `a` of the old and from `b` of the new text. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** A stretch of both texts, each from a first line to before a last: alike, or one in place of the other. */
interface Stretch {
  readonly alike: boolean;
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/**
 * What became of a text, as hunks of a unified difference with three lines around each change and no file names;
 * `''` when nothing changed. Every line ends in a line break.
 *
 * Texts are compared as difflib does (Ratcliff and Obershelp: the longest common run of lines first, then what is before
 * and behind it), because a Kubernetes server does, and its hunks are not always the shortest.
 */
export function lineDifference(oldText: string, newText: string): string {
  const before = oldText.split('\n');
  const after = newText.split('\n');
  return hunksOf(stretchesOf(before, after))
    .map((hunk) => hunkText(hunk, before, after))
    .join('');
}

function stretchesOf(before: readonly string[], after: readonly string[]): Stretch[] {
  const stretches: Stretch[] = [];
  let [a, b] = [0, 0];
  for (const match of [...matchesOf(before, after), { a: before.length, b: after.length, size: 0 }]) {
    if (a < match.a || b < match.b) {
      stretches.push({ alike: false, oldFrom: a, oldTo: match.a, newFrom: b, newTo: match.b });
    }
    [a, b] = [match.a + match.size, match.b + match.size];
    if (match.size > 0) stretches.push({ alike: true, oldFrom: match.a, oldTo: a, newFrom: match.b, newTo: b });
  }
  return stretches;
}

/** Runs of common lines in order, neighbours joined. */
function matchesOf(before: readonly string[], after: readonly string[]): Match[] {
  const places = placesOf(after);
  const found: Match[] = [];
  const open: [number, number, number, number][] = [[0, before.length, 0, after.length]];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [oldFrom, oldTo, newFrom, newTo] = range;
    const match = longestMatch(before, after, places, range);
    if (match.size === 0) continue;
    found.push(match);
    if (oldFrom < match.a && newFrom < match.b) open.push([oldFrom, match.a, newFrom, match.b]);
    const [oldRest, newRest] = [match.a + match.size, match.b + match.size];
    if (oldRest < oldTo && newRest < newTo) open.push([oldRest, oldTo, newRest, newTo]);
  }
  found.sort((x, y) => x.a - y.a);
  const joined: Match[] = [];
  for (const match of found) {
    const last = joined.at(-1);
    if (last !== undefined && last.a + last.size === match.a && last.b + last.size === match.b) {
      joined[joined.length - 1] = { ...last, size: last.size + match.size };
    } else joined.push(match);
  }
  return joined;
}

/** Where each line stands in the new text; in long texts without the lines that more than one in a hundred are like. */
function placesOf(lines: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const known = places.get(line);
    if (known === undefined) places.set(line, [index]);
    else known.push(index);
  }
  if (lines.length < MANY_LINES) return places;
  const often = Math.floor(lines.length / 100) + 1;
  for (const [line, known] of places) if (known.length > often) places.delete(line);
  return places;
}

/** The longest common run inside a range, the first in the old text, then in the new one. */
function longestMatch(
  before: readonly string[],
  after: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [oldFrom, oldTo, newFrom, newTo]: readonly [number, number, number, number],
): Match {
  let best: Match = { a: oldFrom, b: newFrom, size: 0 };
  /** Lengths of the runs that end at the line before, by their last place in the new text. */
  let lengths = new Map<number, number>();
  for (let a = oldFrom; a < oldTo; a++) {
    const next = new Map<number, number>();
    for (const b of places.get(before[a]!) ?? []) {
      if (b < newFrom || b >= newTo) continue;
      const size = (lengths.get(b - 1) ?? 0) + 1;
      next.set(b, size);
      if (size > best.size) best = { a: a - size + 1, b: b - size + 1, size };
    }
    lengths = next;
  }
  let { a, b, size } = best;
  while (a > oldFrom && b > newFrom && before[a - 1] === after[b - 1]) {
    a--;
    b--;
    size++;
  }
  while (a + size < oldTo && b + size < newTo && before[a + size] === after[b + size]) size++;
  return { a, b, size };
}

/** Changes with what is around them, together where less than twice the context is between them. */
function hunksOf(stretches: readonly Stretch[]): Stretch[][] {
  const hunks: Stretch[][] = [];
  let hunk: Stretch[] = [];
  for (const [index, stretch] of stretches.entries()) {
    if (!stretch.alike) {
      hunk.push(stretch);
      continue;
    }
    const isLast = index === stretches.length - 1;
    const size = stretch.oldTo - stretch.oldFrom;
    if (hunk.length > 0 && !isLast && size <= 2 * CONTEXT) {
      hunk.push(stretch);
      continue;
    }
    const kept = Math.min(size, CONTEXT);
    if (hunk.length > 0) {
      hunk.push({ ...stretch, oldTo: stretch.oldFrom + kept, newTo: stretch.newFrom + kept });
      hunks.push(hunk);
    }
    hunk = isLast ? [] : [{ ...stretch, oldFrom: stretch.oldTo - kept, newFrom: stretch.newTo - kept }];
  }
  if (hunk.length > 0) hunks.push(hunk);
  return hunks;
}

function hunkText(hunk: readonly Stretch[], before: readonly string[], after: readonly string[]): string {
  const first = hunk[0]!;
  const last = hunk.at(-1)!;
  const lines = [`@@ -${rangeText(first.oldFrom, last.oldTo)} +${rangeText(first.newFrom, last.newTo)} @@`];
  for (const { alike, oldFrom, oldTo, newFrom, newTo } of hunk) {
    for (const line of before.slice(oldFrom, oldTo)) lines.push(`${alike ? ' ' : '-'}${line}`);
    if (!alike) for (const line of after.slice(newFrom, newTo)) lines.push(`+${line}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Lines as a hunk's head counts them: from 1, alone when it is one, and from the line before when there is none. */
function rangeText(from: number, to: number): string {
  const count = to - from;
  if (count === 1) return String(from + 1);
  return `${count === 0 ? from : from + 1},${count}`;
}
