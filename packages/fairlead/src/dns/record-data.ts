import { rrClass, rrType } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { nameFromText, type WireName } from '../wire/dns/name.ts';
import { ipv4Bytes, ipv6Bytes, soaData, srvData, textData } from '../wire/dns/rdata.ts';
import type { GlueAddress, RecordSet, ZoneFacts } from './program.ts';

/** A record set on the wire: its own records, and the addresses that may go along. */
export interface WireRecordSet {
  readonly type: number;
  readonly answers: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

function record(name: WireName, type: number, ttl: number, data: Uint8Array | undefined): DnsRecord[] {
  return data === undefined ? [] : [{ name, type, class: rrClass.IN, ttl, data }];
}

function addressRecord(name: WireName, ttl: number, address: string): DnsRecord[] {
  const v4 = ipv4Bytes(address);
  return v4 === undefined ? record(name, rrType.AAAA, ttl, ipv6Bytes(address)) : record(name, rrType.A, ttl, v4);
}

function glueRecords(glue: readonly GlueAddress[], ttl: number): DnsRecord[] {
  return glue.flatMap(({ owner, address }) => {
    const name = nameFromText(owner);
    return name === undefined ? [] : addressRecord(name, ttl, address);
  });
}

/** The SOA record of a zone. */
export function soaRecord(name: WireName, zone: ZoneFacts, serial: number, ttl: number): DnsRecord {
  const primary = nameFromText(zone.primary) ?? Uint8Array.of(0);
  const mailbox = nameFromText(zone.mailbox) ?? Uint8Array.of(0);
  const times = { refresh: zone.refresh, retry: zone.retry, expire: zone.expire, minimum: zone.negativeTtl };
  return { name, type: rrType.SOA, class: rrClass.IN, ttl, data: soaData(primary, mailbox, serial, times) };
}

/** Turns a record set of the program into records. Data that does not encode (a bad external name) is left out. */
export function wireRecordSet(name: WireName, set: RecordSet, zone: ZoneFacts, serial: number): WireRecordSet {
  const { ttl } = set;
  const type = rrType[set.type];
  const named = (targets: readonly string[]): DnsRecord[] =>
    targets.flatMap((target) => record(name, type, ttl, nameFromText(target)));
  switch (set.type) {
    case 'A':
    case 'AAAA':
      return {
        type,
        answers: set.addresses.slice(0, set.maxAnswers).flatMap((address) => addressRecord(name, ttl, address)),
        additional: [],
      };
    case 'SRV': {
      const answers = set.services.flatMap((service) => {
        const target = nameFromText(service.target);
        const data = target && srvData(service.priority, service.weight, service.port, target);
        return record(name, type, ttl, data);
      });
      return { type, answers, additional: glueRecords(set.glue, ttl) };
    }
    case 'NS':
      return { type, answers: named(set.targets), additional: glueRecords(set.glue, ttl) };
    case 'PTR':
      return { type, answers: named(set.targets), additional: [] };
    case 'CNAME':
      return { type, answers: named([set.target]), additional: [] };
    case 'TXT':
      return { type, answers: record(name, type, ttl, textData(set.texts)), additional: [] };
    case 'SOA':
      return { type, answers: [soaRecord(name, zone, serial, ttl)], additional: [] };
  }
}
