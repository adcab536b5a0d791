import { headerBytes, rrClass, rrType } from './constants.ts';
import { readName, type WireName } from './name.ts';

/** One question of a message. */
export interface DnsQuestion {
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
}

/** One record; names inside `data` of the RFC 1035 types and SRV are uncompressed. */
export interface DnsRecord {
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Uint8Array;
}

/** A whole message. OPT is among `additional`. */
export interface DnsMessage {
  readonly id: number;
  /** Header bytes 2 and 3 as one word. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

/** Where names lie in the data of a type: bytes before, number of names, bytes behind. -1 behind: any. */
interface NameLayout {
  readonly before: number;
  readonly names: number;
  readonly behind: number;
}

/** Types whose data may hold compressed names (RFC 3597 4), and SRV, which some servers compress against RFC 2782. */
const nameLayouts: ReadonlyMap<number, NameLayout> = new Map([
  [rrType.NS, { before: 0, names: 1, behind: 0 }],
  [3, { before: 0, names: 1, behind: 0 }], // MD
  [4, { before: 0, names: 1, behind: 0 }], // MF
  [rrType.CNAME, { before: 0, names: 1, behind: 0 }],
  [rrType.SOA, { before: 0, names: 2, behind: 20 }],
  [7, { before: 0, names: 1, behind: 0 }], // MB
  [8, { before: 0, names: 1, behind: 0 }], // MG
  [9, { before: 0, names: 1, behind: 0 }], // MR
  [rrType.PTR, { before: 0, names: 1, behind: 0 }],
  [14, { before: 0, names: 2, behind: 0 }], // MINFO
  [rrType.MX, { before: 2, names: 1, behind: 0 }],
  [rrType.SRV, { before: 6, names: 1, behind: 0 }],
  [rrType.DNAME, { before: 0, names: 1, behind: 0 }],
]);

/** Types whose data the writer may compress: those of RFC 1035 in common use. Never SRV (RFC 2782). */
const compressible: ReadonlySet<number> = new Set([
  rrType.NS,
  rrType.CNAME,
  rrType.SOA,
  rrType.PTR,
  rrType.MX,
] as number[]);

/** The layout to use for writing `type` with compression; absent: write the data as it is. */
export function compressibleLayout(type: number): NameLayout | undefined {
  return compressible.has(type) ? nameLayouts.get(type) : undefined;
}

/** Size of the addresses of class IN: anything else is no address (RFC 1035 3.4.1, RFC 3596 2.2). */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [rrType.A, 4],
  [rrType.AAAA, 16],
]);

function readData(
  message: Uint8Array,
  start: number,
  end: number,
  type: number,
  recordClass: number,
): Uint8Array | undefined {
  const size = recordClass === rrClass.IN ? addressBytes.get(type) : undefined;
  if (size !== undefined && end - start !== size) return undefined;
  const layout = nameLayouts.get(type);
  if (layout === undefined) return message.slice(start, end);
  if (start + layout.before > end) return undefined;
  const parts: Uint8Array[] = [message.subarray(start, start + layout.before)];
  let at = start + layout.before;
  for (let index = 0; index < layout.names; index++) {
    const read = readName(message, at, end);
    if (read === undefined) return undefined;
    parts.push(read.name);
    at = read.next;
  }
  if (end - at !== layout.behind) return undefined;
  parts.push(message.subarray(at, end));
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    data.set(part, filled);
    filled += part.length;
  }
  return data;
}

/** Decodes a whole message, e.g. an upstream's answer. Absent: malformed anywhere, also behind the last record. */
export function decodeMessage(message: Uint8Array): DnsMessage | undefined {
  const end = message.length;
  if (end < headerBytes) return undefined;
  const word = (at: number): number => (message[at]! << 8) | message[at + 1]!;
  let at = headerBytes;
  const questions: DnsQuestion[] = [];
  for (let count = word(4); count > 0; count--) {
    const read = readName(message, at, end);
    if (read === undefined || read.next + 4 > end) return undefined;
    questions.push({ name: read.name, type: word(read.next), class: word(read.next + 2) });
    at = read.next + 4;
  }
  const section = (count: number): DnsRecord[] | undefined => {
    const records: DnsRecord[] = [];
    for (let index = 0; index < count; index++) {
      const read = readName(message, at, end);
      if (read === undefined || read.next + 10 > end) return undefined;
      const fixed = read.next;
      const dataEnd = fixed + 10 + word(fixed + 8);
      if (dataEnd > end) return undefined;
      const type = word(fixed);
      const data = readData(message, fixed + 10, dataEnd, type, word(fixed + 2));
      if (data === undefined) return undefined;
      // A TTL with the top bit set counts as 0 (RFC 2181 8); in OPT the field is flags.
      const raw = word(fixed + 4) * 65536 + word(fixed + 6);
      const ttl = raw > 0x7fffffff && type !== rrType.OPT ? 0 : raw;
      records.push({ name: read.name, type, class: word(fixed + 2), ttl, data });
      at = dataEnd;
    }
    return records;
  };
  const answers = section(word(6));
  const authority = answers && section(word(8));
  const additional = authority && section(word(10));
  if (answers === undefined || authority === undefined || additional === undefined || at !== end) return undefined;
  return { id: word(0), flags: word(2), questions, answers, authority, additional };
}
