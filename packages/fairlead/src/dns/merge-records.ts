import type { AddressSet, NameRecords, RecordSet } from './program.ts';

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
    const { weights, schedule: _, ...rest } = first;
    if (weights === undefined && second.weights === undefined) return { ...rest, addresses };
    // An address has the weight that its first source gives it, without any as often as others: 1.
    const given = new Map([...weightsOf(second), ...weightsOf(first)]);
    return { ...rest, addresses, weights: addresses.map((address) => given.get(address) ?? 1) };
  }
  return first;
}

function weightsOf({ addresses, weights }: AddressSet): [string, number][] {
  return addresses.map((address, index) => [address, weights?.[index] ?? 1]);
}
