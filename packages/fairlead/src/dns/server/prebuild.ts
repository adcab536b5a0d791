import { headerBytes, rrClass, rrType } from '../../wire/dns/constants.ts';
import { nameFromText, type WireName } from '../../wire/dns/name.ts';
import { ipv4Bytes, ipv6Bytes } from '../../wire/dns/rdata.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import type { NameRecords, RecordSet, ZoneFacts } from '../program.ts';
import { wireRecordSet } from '../record-data.ts';
import { setIsCut, setIsSoa, setRotates } from './table-layout.ts';

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
const answerLimit = 65535 - 11;

/** Prebuilds all sets of a name. A set whose data does not encode is left out. */
export function prebuildSets(name: WireName, records: NameRecords, zone: ZoneFacts): PrebuiltSet[] {
  return records.map((set) => prebuildSet(name, set, zone)).filter((set) => set !== undefined);
}

function prebuildSet(name: WireName, set: RecordSet, zone: ZoneFacts): PrebuiltSet | undefined {
  if (set.type === 'SOA') {
    const empty = { answers: 1, answer: noBytes, additionals: 0, additional: noBytes };
    return { type: rrType.SOA, flags: setIsSoa, ...empty };
  }
  if (set.type === 'A' || set.type === 'AAAA') return prebuildAddresses(name, set.type, set.ttl, set.addresses);
  if (set.type === 'SRV') return prebuildServices(name, set);
  const wire = wireRecordSet(name, set, zone, 0);
  if (wire.answers.length === 0) return undefined;
  const writer = new MessageWriter(scratch, answerLimit);
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
function prebuildAddresses(
  name: WireName,
  type: 'A' | 'AAAA',
  ttl: number,
  addresses: readonly string[],
): PrebuiltSet | undefined {
  const data = addresses.map(type === 'A' ? ipv4Bytes : ipv6Bytes).filter((bytes) => bytes !== undefined);
  if (data.length === 0) return undefined;
  const size = type === 'A' ? 4 : 16;
  const room = Math.floor((answerLimit - headerBytes - name.length - 4) / (12 + size));
  const answers = Math.min(data.length, room);
  const answer = new Uint8Array(answers * (12 + size));
  for (let index = 0; index < answers; index++) {
    const at = index * (12 + size);
    // Pointer to the question's name, type, class IN, TTL, length.
    answer.set([0xc0, headerBytes, 0, rrType[type], 0, rrClass.IN], at);
    answer.set([ttl >>> 24, (ttl >>> 16) & 255, (ttl >>> 8) & 255, ttl & 255, 0, size], at + 6);
    answer.set(data[index]!, at + 12);
  }
  const flags = setRotates | (answers < data.length ? setIsCut : 0);
  return { type: rrType[type], flags, answers, answer, additionals: 0, additional: noBytes };
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
    const target = nameFromText(service.target);
    if (target === undefined) continue;
    if (at + 18 + target.length > answerLimit) {
      isCut = true;
      break;
    }
    at = putHead(putPointer(at, headerBytes), rrType.SRV, set.ttl, 6 + target.length);
    putWord(at, service.priority);
    putWord(at + 2, service.weight);
    putWord(at + 4, service.port);
    if (at + 6 <= 0x3fff && !targets.has(service.target)) targets.set(service.target, at + 6);
    scratch.set(target, at + 6);
    at += 6 + target.length;
    answers++;
  }
  if (answers === 0) return undefined;
  const answer = scratch.slice(start, at);
  const middle = at;
  let additionals = 0;
  for (const glue of set.glue) {
    const isV6 = glue.address.includes(':');
    const data = isV6 ? ipv6Bytes(glue.address) : ipv4Bytes(glue.address);
    if (data === undefined) continue;
    const pointer = targets.get(glue.owner);
    const owner = pointer === undefined ? nameFromText(glue.owner) : undefined;
    if (pointer === undefined && owner === undefined) continue;
    if (at + 10 + (owner?.length ?? 2) + data.length > answerLimit) break;
    if (owner !== undefined) {
      scratch.set(owner, at);
      at += owner.length;
    } else at = putPointer(at, pointer ?? 0);
    at = putHead(at, isV6 ? rrType.AAAA : rrType.A, set.ttl, data.length);
    scratch.set(data, at);
    at += data.length;
    additionals++;
  }
  const additional = scratch.slice(middle, at);
  return { type: rrType.SRV, flags: isCut ? setIsCut : 0, answers, answer, additionals, additional };
}
