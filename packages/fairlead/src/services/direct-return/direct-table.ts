import { type NftChain, nftTableBody } from '../../wire/nft/table.ts';
import { NftTransaction } from '../../wire/nft/transaction.ts';

/** nft table of direct server return, in the family netdev. */
export const directTableName = 'fairlead';

/** A map of the table: what it is declared as, and its values by key. */
export interface DirectMap {
  readonly type: string;
  readonly elements: ReadonlyMap<string, string>;
}

/** The table as it should be, or as it is installed. The maps have the same names in each. */
export interface DirectTable {
  readonly maps: ReadonlyMap<string, DirectMap>;
  /** A chain comes after those that its rules jump to. */
  readonly chains: readonly NftChain[];
}

/** The table's text between the braces. */
export function directTableBody({ maps, chains }: DirectTable): string {
  const sets = [...maps].map(([name, { type, elements }]) => {
    return { kind: 'map', name, type, elements: [...elements].map(([key, value]) => `${key} : ${value}`) } as const;
  });
  return nftTableBody({ sets, chains });
}

/** The transaction that makes a table out of another, or out of whatever there is. */
export function directTableChange(before: DirectTable | undefined, after: DirectTable): NftTransaction {
  const transaction = new NftTransaction('netdev', directTableName);
  if (before === undefined) {
    transaction.replaceTable(directTableBody(after));
    return transaction;
  }
  const known = new Map(before.chains.map((chain) => [chain.name, chain]));
  for (const { name, hook, rules } of after.chains) {
    const old = known.get(name);
    known.delete(name);
    if (old?.rules.join('\n') === rules.join('\n')) continue;
    // A hook is named only once: the chain that is there keeps its own.
    transaction.setChain(name, rules, old === undefined ? hook : undefined);
  }
  for (const [name, { elements }] of after.maps) {
    const old = before.maps.get(name)?.elements ?? new Map<string, string>();
    for (const [key, value] of old) if (elements.get(key) !== value) transaction.deleteElement(name, key);
    for (const [key, value] of elements) if (old.get(key) !== value) transaction.addElement(name, key, value);
  }
  // First their rules, as those of one may jump to another.
  for (const name of known.keys()) transaction.flushChain(name);
  for (const name of known.keys()) transaction.deleteChain(name);
  return transaction;
}
