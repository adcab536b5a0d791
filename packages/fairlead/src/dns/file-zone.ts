import { rcode, rrType } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { nameKey, nameToText, type WireName } from '../wire/dns/name.ts';
import type { OwnerName } from './program.ts';

/** What a zone says to a question. */
export interface ZoneAnswer {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** The answers end in an alias of this name: go on with it. */
  readonly alias?: WireName;
  /** Servers of a zone below this one are named: not an answer of our own. */
  readonly isReferral?: boolean;
}

/** Records of one name by type; empty: it only has names below it. */
type NameSets = Map<number, DnsRecord[]>;

/** A zone, or why its records are none. */
export type FileZoneResult =
  | { readonly ok: true; readonly zone: FileZone }
  | { readonly ok: false; readonly problem: string };

const wildcardLabel = '\x01*';

/**
 * A zone of records of any type, answered as RFC 1034 4.3.2 says: delegations with glue, wildcards (RFC 4592), CNAME
 * and DNAME (RFC 6672), empty names between, SOA in negative answers (RFC 2308).
 */
export class FileZone {
  readonly origin: OwnerName;
  /** Serial of the SOA. */
  readonly serial: number;
  readonly soa: DnsRecord;
  readonly #originKey: string;
  readonly #names: ReadonlyMap<string, NameSets>;

  private constructor(origin: string, soa: DnsRecord, names: ReadonlyMap<string, NameSets>) {
    this.origin = nameToText(soa.name).toLowerCase();
    this.soa = soa;
    this.serial = wordAt(soa.data, soa.data.length - 20);
    this.#originKey = origin;
    this.#names = names;
  }

  /** Checks and indexes the records of a zone; those that lie outside it are left out, as glue of others. */
  static make(origin: WireName, records: Iterable<DnsRecord>): FileZoneResult {
    const steps = FileZone.assemble(origin, records);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }

  /** The same in steps of one record each. */
  static *assemble(origin: WireName, records: Iterable<DnsRecord>): Generator<void, FileZoneResult, undefined> {
    const originKey = nameKey(origin);
    const names = new Map<string, NameSets>([[originKey, new Map()]]);
    const seen: SeenData = new Map();
    for (const record of records) {
      yield;
      const key = nameKey(record.name);
      if (!isAtOrBelow(key, originKey)) continue;
      for (let above = key; above !== originKey && !names.has(above); above = parentOf(above))
        names.set(above, new Map());
      const sets = names.get(key)!;
      const set = sets.get(record.type) ?? [];
      sets.set(record.type, set);
      addDistinct(set, record, seen);
    }
    const soa = names.get(originKey)?.get(rrType.SOA) ?? [];
    if (soa.length !== 1) return { ok: false, problem: `has ${soa.length} SOA records at its origin, not one` };
    for (const [key, sets] of names) {
      yield;
      if (!sets.has(rrType.CNAME)) continue;
      if (sets.get(rrType.CNAME)!.length > 1 || sets.size > 1) {
        const owner = nameToText(sets.get(rrType.CNAME)![0]!.name);
        if (key === originKey || sets.size > 1) return { ok: false, problem: `${owner} has a CNAME and other records` };
        return { ok: false, problem: `${owner} has several CNAME records` };
      }
    }
    return { ok: true, zone: new FileZone(originKey, soa[0]!, names) };
  }

  /** How many records there are. */
  get size(): number {
    let count = 0;
    for (const sets of this.#names.values()) for (const set of sets.values()) count += set.length;
    return count;
  }

  /** The answer to a question about a name at or below the origin. */
  lookUp(name: WireName, type: number): ZoneAnswer {
    const key = nameKey(name);
    const path: string[] = [];
    for (let above = key; above !== this.#originKey; above = parentOf(above)) path.unshift(above);
    const apex = this.#names.get(this.#originKey)!;
    let encloser = this.#originKey;
    let sets = apex;
    for (const step of path) {
      const dname = sets.get(rrType.DNAME)?.[0];
      if (dname !== undefined) return this.#synthesize(name, type, encloser, dname);
      const found = this.#names.get(step);
      if (found === undefined) {
        const wildcard = this.#names.get(wildcardLabel + encloser);
        return wildcard === undefined ? this.#negative(rcode.NXDOMAIN) : this.#answer(name, wildcard, type);
      }
      const servers = found.get(rrType.NS);
      // At the cut itself only DS belongs to this side (RFC 4035 3.1.4.1).
      if (servers !== undefined && !(step === key && type === rrTypeDs)) return this.#referral(servers);
      sets = found;
      encloser = step;
    }
    return this.#answer(name, sets, type);
  }

  /** All records for a transfer (RFC 5936): the SOA first and last. */
  *transfer(): Generator<DnsRecord> {
    yield this.soa;
    for (const sets of this.#names.values()) {
      for (const [type, set] of sets) if (type !== rrType.SOA) yield* set;
    }
    yield this.soa;
  }

  #answer(name: WireName, sets: NameSets, type: number): ZoneAnswer {
    const owned = (set: readonly DnsRecord[]): DnsRecord[] => set.map((record) => ({ ...record, name }));
    const cname = sets.get(rrType.CNAME);
    if (cname !== undefined && type !== rrType.CNAME && type !== rrType.ANY) {
      return { rcode: 0, answers: owned(cname), authority: [], additional: [], alias: cname[0]!.data };
    }
    // ANY gets one set, whichever (RFC 8482 4.1).
    const set = type === rrType.ANY ? [...sets.values()][0] : sets.get(type);
    if (set === undefined) return this.#negative(rcode.NOERROR);
    return { rcode: 0, answers: owned(set), authority: [], additional: this.#addresses(set) };
  }

  #negative(code: number): ZoneAnswer {
    const minimum = wordAt(this.soa.data, this.soa.data.length - 4);
    const soa = { ...this.soa, ttl: Math.min(this.soa.ttl, minimum) };
    return { rcode: code, answers: [], authority: [soa], additional: [] };
  }

  #referral(servers: readonly DnsRecord[]): ZoneAnswer {
    return { rcode: 0, answers: [], authority: servers, additional: this.#addresses(servers), isReferral: true };
  }

  /** Below a DNAME: the name with the owner replaced by the target, as a CNAME of the same TTL (RFC 6672 3.1). */
  #synthesize(name: WireName, type: number, ownerKey: string, dname: DnsRecord): ZoneAnswer {
    const target = new Uint8Array(name.length - ownerKey.length + dname.data.length);
    target.set(name.subarray(0, name.length - ownerKey.length));
    target.set(dname.data, name.length - ownerKey.length);
    if (target.length > 255) return { rcode: 6, answers: [dname], authority: [], additional: [] };
    const cname = { ...dname, name, type: rrType.CNAME, data: target };
    const answer = { rcode: 0, answers: [dname, cname], authority: [], additional: [] };
    return type === rrType.CNAME ? answer : { ...answer, alias: target };
  }

  /** Addresses that we have of the names that records point to. */
  #addresses(records: readonly DnsRecord[]): DnsRecord[] {
    const found = new Map<string, DnsRecord[]>();
    for (const { type, data } of records) {
      const at = targetOffsets.get(type);
      if (at === undefined) continue;
      const key = nameKey(data, at);
      const sets = this.#names.get(key);
      if (sets !== undefined) found.set(key, [...(sets.get(rrType.A) ?? []), ...(sets.get(rrType.AAAA) ?? [])]);
    }
    return [...found.values()].flat();
  }
}

/** Data of the sets that are too large to look through, by set. */
type SeenData = Map<readonly DnsRecord[], Set<string>>;
/** From here on a set's data is kept by key. */
const largeSet = 16;

/** Adds a record to a set that does not have its data yet. */
function addDistinct(set: DnsRecord[], record: DnsRecord, seen: SeenData): void {
  if (set.length < largeSet) {
    if (!set.some(({ data }) => Buffer.compare(data, record.data) === 0)) set.push(record);
    return;
  }
  const keyOf = ({ data }: DnsRecord): string =>
    Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
  const keys = seen.get(set) ?? new Set(set.map(keyOf));
  seen.set(set, keys);
  const key = keyOf(record);
  if (!keys.has(key)) set.push(record);
  keys.add(key);
}

const rrTypeDs = 43;
/** Where the name lies in the data of types that resolvers look up next. */
const targetOffsets: ReadonlyMap<number, number> = new Map([
  [rrType.NS, 0],
  [rrType.MX, 2],
  [rrType.SRV, 6],
]);

function wordAt(data: Uint8Array, at: number): number {
  return new DataView(data.buffer, data.byteOffset, data.length).getUint32(at);
}

function parentOf(key: string): string {
  return key.slice(key.charCodeAt(0) + 1);
}

function isAtOrBelow(key: string, originKey: string): boolean {
  let at = 0;
  while (key.length - at > originKey.length) at += key.charCodeAt(at) + 1;
  return key.slice(at) === originKey;
}
