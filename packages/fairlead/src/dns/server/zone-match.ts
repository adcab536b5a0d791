// Hot path: where a query's name lies. No allocation.

import { rrType } from '../../wire/dns/constants.ts';
import type { ParsedQuery } from '../../wire/dns/query.ts';

/** Whether the query's name is at or below the zone's origin, at a label border. */
export function isInZone({ name, nameBytes }: ParsedQuery, { origin }: { readonly origin: Uint8Array }): boolean {
  const from = nameBytes - origin.length;
  if (from < 0) return false;
  for (let index = origin.length - 1; index >= 0; index--) if (name[from + index] !== origin[index]) return false;
  let label = 0;
  while (label < from) label += name[label]! + 1;
  return label === from;
}

/** Whether the name has the form `a.b.NAMESPACE.svc.<zone>` and asks for an address; it must be in the zone. */
export function isSearchName(
  { name, nameBytes, qtype }: ParsedQuery,
  { origin }: { readonly origin: Uint8Array },
): boolean {
  if (qtype !== rrType.A && qtype !== rrType.AAAA) return false;
  const end = nameBytes - origin.length;
  let labels = 0;
  let last = 0;
  for (let at = 0; at < end; at += name[at]! + 1) {
    last = at;
    labels++;
  }
  return (
    labels >= 4 && name[last] === 3 && name[last + 1] === 0x73 && name[last + 2] === 0x76 && name[last + 3] === 0x63
  );
}
