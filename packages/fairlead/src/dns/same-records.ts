import type { GlueAddress, NameRecords, RecordSet, SrvTarget } from './program.ts';

/** Whether two names have the same records in the same order. Runs over every name of a changed Service. */
export function isSameRecords(a: NameRecords, b: NameRecords): boolean {
  return isSameList(a, b, isSameSet);
}

function isSameSet(a: RecordSet, b: RecordSet): boolean {
  if (a === b) return true;
  if (a.ttl !== b.ttl) return false;
  switch (a.type) {
    case 'A':
    case 'AAAA':
      return b.type === a.type && isSameList(a.addresses, b.addresses, isSame);
    case 'SRV':
      return (
        b.type === 'SRV' && isSameList(a.services, b.services, isSameSrv) && isSameList(a.glue, b.glue, isSameGlue)
      );
    case 'PTR':
      return b.type === 'PTR' && a.rank === b.rank && isSameList(a.targets, b.targets, isSame);
    case 'CNAME':
      return b.type === 'CNAME' && a.target === b.target;
    case 'TXT':
      return b.type === 'TXT' && isSameList(a.texts, b.texts, isSame);
    case 'NS':
      return b.type === 'NS' && isSameList(a.targets, b.targets, isSame) && isSameList(a.glue, b.glue, isSameGlue);
    case 'SOA':
      return b.type === 'SOA';
  }
}

function isSame(a: string, b: string): boolean {
  return a === b;
}

function isSameSrv(a: SrvTarget, b: SrvTarget): boolean {
  return a.port === b.port && a.weight === b.weight && a.priority === b.priority && a.target === b.target;
}

function isSameGlue(a: GlueAddress, b: GlueAddress): boolean {
  return a.address === b.address && a.owner === b.owner;
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSameItem: (a: T, b: T) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!isSameItem(a[index]!, b[index]!)) return false;
  return true;
}
