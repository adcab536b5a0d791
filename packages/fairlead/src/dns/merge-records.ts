import type { NameRecords, RecordSet } from './program.ts';

/** Records of a name that several sources contribute to, in the order of the sources. */
export function mergeRecords(contributions: Iterable<NameRecords>): NameRecords {
  const merged = new Map<RecordSet['type'], RecordSet>();
  for (const records of contributions) {
    for (const set of records) {
      const known = merged.get(set.type);
      merged.set(set.type, known === undefined ? set : uniteSets(known, set));
    }
  }
  return [...merged.values()];
}

/** Two sets of one type at one name. Kinds that cannot be united keep the first source's set. */
function uniteSets(first: RecordSet, second: RecordSet): RecordSet {
  if (first.type === 'PTR' && second.type === 'PTR') {
    if (first.rank !== second.rank) return first.rank === 'cluster-ip' ? first : second;
    return { ...first, targets: [...new Set([...first.targets, ...second.targets])].sort() };
  }
  if ((first.type === 'A' || first.type === 'AAAA') && first.type === second.type) {
    const addresses = [...new Set([...first.addresses, ...second.addresses])];
    // Weights belong to the addresses of one source.
    if (addresses.length === first.addresses.length) return first;
    const { weights: _, ...rest } = first;
    return { ...rest, addresses };
  }
  return first;
}
