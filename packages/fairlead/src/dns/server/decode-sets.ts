import { headerBytes, rrClass, rrType } from '../../wire/dns/constants.ts';
import { type DnsRecord, decodeMessage } from '../../wire/dns/message.ts';
import { nameToText, type WireName } from '../../wire/dns/name.ts';
import { addressText } from '../../wire/dns/rdata.ts';
import { mergeRecords } from '../merge-records.ts';
import type { AddressSet, GlueAddress, NameRecords, OwnerName, RecordSet, ZoneFacts } from '../program.ts';
import type { EntryBlock } from './entry-block.ts';
import type { PrebuiltSet } from './prebuild.ts';
import { policyHeadBytes, policyIsSticky, setHasPolicy, setIsClusterIp, setIsSoa } from './table-layout.ts';

/**
 * The records that prebuilt sets stand for: the way back from the table, for merging, aliases and dumps. `zone` says what an SOA
 * set holds; without it there is none.
 */
export function decodeSets(name: WireName, sets: Iterable<PrebuiltSet>, zone?: ZoneFacts): NameRecords {
  const records: RecordSet[] = [];
  for (const set of sets) {
    const decoded = (set.flags & setIsSoa) !== 0 ? zone && soaSet(zone) : decodeSet(name, set);
    if (decoded !== undefined) records.push(decoded);
  }
  return records;
}

/** What a block holds, as data; entries of one name are united. */
export function decodeBlock(block: EntryBlock): Map<OwnerName, NameRecords> {
  const records = new Map<OwnerName, NameRecords>();
  for (let entry = 0; entry < block.count; entry++) {
    const name = block.name(entry);
    const owner = nameToText(name);
    const sets = decodeSets(name, block.sets(entry));
    const known = records.get(owner);
    records.set(owner, known === undefined ? sets : mergeRecords([known, sets]));
  }
  return records;
}

function soaSet(zone: ZoneFacts): RecordSet {
  return { type: 'SOA', ttl: zone.negativeTtl };
}

function decodeSet(name: WireName, set: PrebuiltSet): RecordSet | undefined {
  const isRuled = (set.flags & setHasPolicy) !== 0;
  const message = decodeMessage(answerMessage(name, isRuled ? { ...set, additional: new Uint8Array(0) } : set));
  const [first] = message?.answers ?? [];
  if (message === undefined || first === undefined) return undefined;
  const { ttl } = first;
  const names = message.answers.map(({ data }) => nameToText(data));
  const glue = message.additional.map(glueOf);
  switch (set.type) {
    case rrType.A:
    case rrType.AAAA: {
      const addresses = message.answers.map(({ data }) => addressText(data));
      const type = set.type === rrType.A ? 'A' : 'AAAA';
      return { type, ttl, addresses, ...(isRuled ? rulesOf(set.additional, addresses.length) : {}) };
    }
    case rrType.SRV: {
      const services = message.answers.map(({ data }) => {
        const view = new DataView(data.buffer, data.byteOffset, data.length);
        const target = nameToText(data.subarray(6));
        return { priority: view.getUint16(0), weight: view.getUint16(2), port: view.getUint16(4), target };
      });
      return { type: 'SRV', ttl, services, glue };
    }
    case rrType.PTR: {
      const rank = (set.flags & setIsClusterIp) !== 0 ? 'cluster-ip' : 'endpoint';
      return { type: 'PTR', ttl, targets: names, rank };
    }
    case rrType.CNAME:
      return { type: 'CNAME', ttl, target: names[0] ?? '' };
    case rrType.NS:
      return { type: 'NS', ttl, targets: names, glue };
    case rrType.TXT:
      return { type: 'TXT', ttl, texts: texts(first.data) };
    default:
      return undefined;
  }
}

type Rules = Pick<AddressSet, 'maxAnswers' | 'isSticky' | 'preferredPrefixBits' | 'schedule' | 'weights'>;

/** The rules, with the schedule that the weights have led to: see setHasPolicy in table-layout.ts. */
function rulesOf(bytes: Uint8Array, records: number): Rules {
  const word = (at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
  const bits = word(4) & 0xff;
  const isSticky = (word(4) & policyIsSticky) !== 0;
  const numbers = Array.from({ length: word(2) }, (_, index) => word(policyHeadBytes + index * 2));
  // Sticky sets have weights in that place, for the client's network to choose by; else they are the shares of turns.
  const weights = isSticky
    ? numbers
    : Array.from({ length: records }, (_, index) => numbers.filter((one) => one === index).length);
  return {
    ...(word(0) === 0 ? {} : { maxAnswers: word(0) }),
    ...(isSticky ? { isSticky } : {}),
    ...(numbers.length === 0 ? {} : { weights }),
    ...(numbers.length === 0 || isSticky ? {} : { schedule: numbers }),
    ...(bits === 0 ? {} : { preferredPrefixBits: bits }),
  };
}

function glueOf({ name, data }: DnsRecord): GlueAddress {
  return { owner: nameToText(name), address: addressText(data) };
}

function texts(data: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < data.length; at += data[at]! + 1) {
    found.push(new TextDecoder().decode(data.subarray(at + 1, at + 1 + data[at]!)));
  }
  return found;
}

/** The answer to a question for the set, whole: what its compression pointers refer to. */
function answerMessage(name: WireName, set: PrebuiltSet): Uint8Array {
  const start = headerBytes + name.length + 4;
  const message = new Uint8Array(start + set.answer.length + set.additional.length);
  const view = new DataView(message.buffer);
  view.setUint16(4, 1);
  view.setUint16(6, set.answers);
  view.setUint16(10, set.additionals);
  message.set(name, headerBytes);
  view.setUint16(start - 4, set.type);
  view.setUint16(start - 2, rrClass.IN);
  message.set(set.answer, start);
  message.set(set.additional, start + set.answer.length);
  return message;
}
