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

/**
 * Answers a name as an alias of another: the name itself, all names below a suffix, or all names that begin with
 * or have a text, which is replaced.
 */
export interface RewriteRule {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'substring';
  readonly from: OwnerName;
  readonly to: OwnerName;
}

/** What a name is an alias of by the first rule that fits; absent: none does. */
export function rewriteName(rules: readonly RewriteRule[], owner: OwnerName): OwnerName | undefined {
  for (const { kind, from, to } of rules) {
    if (kind === 'exact') {
      if (owner === from) return to;
    } else if (kind === 'prefix') {
      if (owner.startsWith(from)) return normalizeName(`${to}${owner.slice(from.length)}`);
    } else if (kind === 'substring') {
      if (owner.includes(from)) return normalizeName(owner.replaceAll(from, to));
    } else if (owner.endsWith(`.${from}`)) return `${owner.slice(0, -from.length)}${to}`;
  }
  return undefined;
}
