import { rrType } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { nameFromText, nameToText, readName } from '../wire/dns/name.ts';
import { normalizeName } from './owner-names.ts';
import type { OwnerName } from './program.ts';

const naptr = 35;
/** Bytes before the name in the data of types that name another name; of a SOA the first of two. */
const nameOffsets: ReadonlyMap<number, number> = new Map([
  [rrType.NS, 0],
  [rrType.CNAME, 0],
  [rrType.SOA, 0],
  [rrType.PTR, 0],
  [rrType.MX, 2],
  [rrType.SRV, 6],
  [rrType.DNAME, 0],
]);

/** A record whose data names what a rule makes of the name there; other records, and names that stay, as they are. */
export function withValue(record: DnsRecord, dataNameOf: (name: OwnerName) => OwnerName): DnsRecord {
  const { type, data } = record;
  const at = type === naptr ? naptrOffset(data) : nameOffsets.get(type);
  const read = at === undefined ? undefined : readName(data, at, data.length);
  if (at === undefined || read === undefined) return record;
  const before = normalizeName(nameToText(read.name));
  const after = dataNameOf(before);
  const name = after === before ? undefined : nameFromText(after);
  if (name === undefined) return record;
  return { ...record, data: Buffer.concat([data.subarray(0, at), name, data.subarray(read.next)]) };
}

/** Behind order, preference and three character strings (RFC 3403 4.1). */
function naptrOffset(data: Uint8Array): number | undefined {
  let at = 4;
  for (let text = 0; text < 3; text++) at += (data[at] ?? 0) + 1;
  return at < data.length ? at : undefined;
}
