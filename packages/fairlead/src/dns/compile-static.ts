import { addressFamily, normalizeName, reverseOwner } from './owner-names.ts';
import type { CompiledRecords, NameRecords, OwnerName, RecordSet } from './program.ts';

/** Lines of a hosts(5) file: an address, then its names. */
export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** Parses hosts(5) text; lines that are none are left out. */
export function parseHosts(text: string): HostsEntry[] {
  return text.split('\n').flatMap((line): HostsEntry[] => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return addressFamily(address) === undefined || names.length === 0 ? [] : [{ address, names }];
  });
}

/** A and AAAA records of hosts entries, and PTR records to the first name of each. */
export function compileHostsRecords(entries: readonly HostsEntry[], ttlSeconds: number): CompiledRecords {
  const addresses = new Map<OwnerName, Record<'A' | 'AAAA', Set<string>>>();
  const records = new Map<OwnerName, NameRecords>();
  for (const { address, names } of entries) {
    const family = addressFamily(address);
    if (family === undefined) continue;
    for (const name of names.map(normalizeName)) {
      const known = addresses.get(name) ?? { A: new Set(), AAAA: new Set() };
      known[family].add(address);
      addresses.set(name, known);
    }
    const reverse = reverseOwner(address);
    const [first] = names;
    if (reverse === undefined || first === undefined || records.has(reverse)) continue;
    records.set(reverse, [{ type: 'PTR', ttl: ttlSeconds, targets: [normalizeName(first)], rank: 'endpoint' }]);
  }
  for (const [name, found] of addresses) {
    const sets = (['A', 'AAAA'] as const).flatMap((type): RecordSet[] =>
      found[type].size === 0 ? [] : [{ type, ttl: ttlSeconds, addresses: [...found[type]] }],
    );
    records.set(name, sets);
  }
  return records;
}
