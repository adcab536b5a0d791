/** Writes indexes as the API does: `0-2,4`. The numbers are distinct; order does not matter. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    // Two neighbours are written apart.
    if (end === at) parts.push(String(sorted[at]));
    else if (end === at + 1) parts.push(String(sorted[at]), String(sorted[end]));
    else parts.push(`${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}

/** Reads what {@link formatIndexes} writes; what cannot be read is left out. */
export function parseIndexes(text: string | undefined, below: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) continue;
    const last = Math.min(Number(match[2] ?? match[1]), below - 1);
    for (let index = Number(match[1]); index <= last; index++) indexes.add(index);
  }
  return indexes;
}
