import { headerBytes, nameMaxBytes, rrClass, rrType } from '../../wire/dns/constants.ts';
import { nameFromText, type WireName, writePlainName } from '../../wire/dns/name.ts';
import { ipv4Value, ipv6Bytes } from '../../wire/dns/rdata.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import type { AddressSet, NameRecords, RecordSet, ZoneFacts } from '../program.ts';
import { wireRecordSet } from '../record-data.ts';
import {
  policyHeadBytes,
  policyIsSticky,
  setHasPolicy,
  setIsClusterIp,
  setIsCut,
  setIsSoa,
  setRotates,
} from './table-layout.ts';
import { weightedSchedule } from './weighted-schedule.ts';

/** Answers of one type at one name, as the bytes that follow the question. */
export interface PrebuiltSet {
  readonly type: number;
  /** Set flags of table-layout.ts. */
  readonly flags: number;
  readonly answers: number;
  readonly answer: Uint8Array;
  readonly additionals: number;
  readonly additional: Uint8Array;
}

const noBytes = new Uint8Array(0);
const scratch = new Uint8Array(65535);

/** Bytes that the answers of a message may use; the rest is for an OPT record. */
export const answerLimitBytes: number = 65535 - 11;

/** Prebuilds all sets of a name. A set whose data does not encode is left out. */
export function prebuildSets(name: WireName, records: NameRecords, zone: ZoneFacts): PrebuiltSet[] {
  return records.map((set) => prebuildSet(name, set, zone)).filter((set) => set !== undefined);
}

function prebuildSet(name: WireName, set: RecordSet, zone: ZoneFacts): PrebuiltSet | undefined {
  if (set.type === 'SOA') {
    const empty = { answers: 1, answer: noBytes, additionals: 0, additional: noBytes };
    return { type: rrType.SOA, flags: setIsSoa, ...empty };
  }
  if (set.type === 'A' || set.type === 'AAAA') return prebuildAddresses(name, set);
  if (set.type === 'SRV') return prebuildServices(name, set);
  if (set.type === 'PTR') return prebuildPointers(name, set);
  const wire = wireRecordSet(name, set, zone, 0);
  if (wire.answers.length === 0) return undefined;
  const writer = new MessageWriter(scratch, answerLimitBytes);
  writer.question({ name, type: wire.type, class: rrClass.IN });
  const start = writer.length;
  let answers = 0;
  for (const record of wire.answers) if (writer.record('answer', record)) answers++;
  const middle = writer.length;
  let additionals = 0;
  for (const record of wire.additional) if (writer.record('additional', record)) additionals++;
  return {
    type: wire.type,
    flags: answers < wire.answers.length ? setIsCut : 0,
    answers,
    answer: scratch.slice(start, middle),
    additionals,
    additional: scratch.slice(middle, writer.length),
  };
}

/** Address records without the general writer: most names have nothing else. */
function prebuildAddresses(name: WireName, set: AddressSet): PrebuiltSet | undefined {
  const { type, ttl, addresses, weights } = set;
  const start = headerBytes + name.length + 4;
  const size = type === 'A' ? 4 : 16;
  const kept: number[] = [];
  let at = start;
  let answers = 0;
  let isCut = false;
  for (let index = 0; index < addresses.length; index++) {
    if (at + 12 + size > answerLimitBytes) {
      isCut = true;
      break;
    }
    if (!putAddress(at + 12, type, addresses[index]!)) continue;
    at = putHead(putPointer(at, headerBytes), rrType[type], ttl, size) + size;
    answers++;
    if (weights !== undefined) kept.push(weights[index] ?? 1);
  }
  if (answers === 0) return undefined;
  const answer = scratch.slice(start, at);
  const hasPolicy =
    set.maxAnswers !== undefined ||
    weights !== undefined ||
    set.isSticky === true ||
    set.preferredPrefixBits !== undefined;
  const flags = setRotates | (isCut ? setIsCut : 0) | (hasPolicy ? setHasPolicy : 0);
  const additional = hasPolicy ? policyBytes(set, kept) : noBytes;
  return { type: rrType[type], flags, answers, answer, additionals: 0, additional };
}

/** See setHasPolicy in table-layout.ts. */
function policyBytes(set: AddressSet, weights: readonly number[]): Uint8Array {
  const isSticky = set.isSticky === true;
  const numbers = isSticky ? weights : weightedSchedule(weights);
  const bytes = new Uint8Array(policyHeadBytes + numbers.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, set.maxAnswers ?? 0);
  view.setUint16(2, numbers.length);
  view.setUint16(4, (isSticky ? policyIsSticky : 0) | (set.preferredPrefixBits ?? 0));
  for (const [index, number] of numbers.entries()) view.setUint16(policyHeadBytes + index * 2, number);
  return bytes;
}

/** PTR records without the general writer: every endpoint with a hostname has one. */
function prebuildPointers(name: WireName, set: Extract<RecordSet, { type: 'PTR' }>): PrebuiltSet | undefined {
  const start = headerBytes + name.length + 4;
  let at = start;
  let answers = 0;
  let isCut = false;
  for (const target of set.targets) {
    if (at + 12 + nameMaxBytes > answerLimitBytes) {
      isCut = true;
      break;
    }
    const length = putName(at + 12, target);
    if (length < 0) continue;
    at = putHead(putPointer(at, headerBytes), rrType.PTR, set.ttl, length) + length;
    answers++;
  }
  if (answers === 0) return undefined;
  const flags = (isCut ? setIsCut : 0) | (set.rank === 'cluster-ip' ? setIsClusterIp : 0);
  return { type: rrType.PTR, flags, answers, answer: scratch.slice(start, at), additionals: 0, additional: noBytes };
}

/** Data of an address record. False: not an address of that type. */
function putAddress(at: number, type: 'A' | 'AAAA', address: string): boolean {
  if (type === 'AAAA') {
    const bytes = ipv6Bytes(address);
    if (bytes !== undefined) scratch.set(bytes, at);
    return bytes !== undefined;
  }
  const value = ipv4Value(address);
  if (value < 0) return false;
  putWord(at, Math.floor(value / 65536));
  putWord(at + 2, value & 0xffff);
  return true;
}

/** A whole name, lower-case or not. Returns its length; -1: not a name. */
function putName(at: number, text: string): number {
  const length = writePlainName(text, scratch, at);
  if (length >= 0) return length;
  const name = nameFromText(text);
  if (name === undefined) return -1;
  scratch.set(name, at);
  return name.length;
}

/** A compression pointer. Returns the offset behind. */
function putPointer(at: number, target: number): number {
  putWord(at, 0xc000 | target);
  return at + 2;
}

/** Type, class, TTL, data length. Returns the offset behind. */
function putHead(at: number, type: number, ttl: number, dataBytes: number): number {
  putWord(at, type);
  putWord(at + 2, rrClass.IN);
  putWord(at + 4, ttl >>> 16);
  putWord(at + 6, ttl & 0xffff);
  putWord(at + 8, dataBytes);
  return at + 10;
}

function putWord(at: number, value: number): void {
  scratch[at] = value >> 8;
  scratch[at + 1] = value & 255;
}

/**
 * SRV records without the general writer: a headless Service has one per endpoint. Targets are whole
 * (RFC 2782), and the glue's owners point to them, or are whole beyond the reach of a pointer, 16 KiB.
 */
function prebuildServices(name: WireName, set: Extract<RecordSet, { type: 'SRV' }>): PrebuiltSet | undefined {
  const start = headerBytes + name.length + 4;
  const targets = new Map<string, number>();
  let at = start;
  let answers = 0;
  let isCut = false;
  for (const service of set.services) {
    if (at + 18 + nameMaxBytes > answerLimitBytes) {
      isCut = true;
      break;
    }
    const length = putName(at + 18, service.target);
    if (length < 0) continue;
    const data = putHead(putPointer(at, headerBytes), rrType.SRV, set.ttl, 6 + length);
    putWord(data, service.priority);
    putWord(data + 2, service.weight);
    putWord(data + 4, service.port);
    if (data + 6 <= 0x3fff && !targets.has(service.target)) targets.set(service.target, data + 6);
    at = data + 6 + length;
    answers++;
  }
  if (answers === 0) return undefined;
  const answer = scratch.slice(start, at);
  const middle = at;
  let additionals = 0;
  for (const glue of set.glue) {
    if (at + 26 + nameMaxBytes > answerLimitBytes) break;
    const type = glue.address.includes(':') ? 'AAAA' : 'A';
    const pointer = targets.get(glue.owner);
    const length = pointer === undefined ? putName(at, glue.owner) : putPointer(at, pointer) - at;
    if (length < 0 || !putAddress(at + length + 10, type, glue.address)) continue;
    const size = type === 'A' ? 4 : 16;
    at = putHead(at + length, rrType[type], set.ttl, size) + size;
    additionals++;
  }
  const additional = scratch.slice(middle, at);
  return { type: rrType.SRV, flags: isCut ? setIsCut : 0, answers, answer, additionals, additional };
}
