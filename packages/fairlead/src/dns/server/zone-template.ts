import { headerBytes, rrClass, rrType } from '../../wire/dns/constants.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import type { ZoneFacts } from '../program.ts';

/** What a worker needs to end names of a zone: its origin, and its SOA record with holes. */
export interface ZoneTemplate {
  /** Lower-case wire name. */
  readonly origin: Uint8Array;
  /** SOA record; its last 20 bytes begin with the serial. */
  readonly soa: Uint8Array;
  /** The same in words of four bytes, without what is left. */
  readonly soaWords: Int32Array;
  /** Offsets in `soa` of compression pointers to the origin. */
  readonly originPointers: readonly number[];
  /** We have all names of the zone: one that is not there does not exist. */
  readonly isComplete: boolean;
}

/**
 * The SOA of `origin` for negative answers. The owner is a pointer into the question, so it repeats the
 * case of the query; names of the zone's own below its origin end in such a pointer, too.
 */
function zoneTemplate(origin: string, facts: ZoneFacts, isComplete: boolean): ZoneTemplate {
  const wireOrigin = nameFromText(origin);
  if (wireOrigin === undefined) throw new TypeError(`not a zone: ${origin}`);
  const pointers: number[] = [0];
  const bytes: number[] = [0xc0, headerBytes, 0, rrType.SOA, 0, rrClass.IN, ...word32(facts.negativeTtl), 0, 0];
  for (const name of [facts.primary, facts.mailbox]) {
    const isBelow = name.endsWith(`.${origin}`);
    const wire = nameFromText(isBelow ? name.slice(0, -origin.length - 1) : name);
    if (wire === undefined) throw new TypeError(`not a name: ${name}`);
    if (!isBelow) {
      bytes.push(...wire);
      continue;
    }
    bytes.push(...wire.subarray(0, -1));
    pointers.push(bytes.length);
    bytes.push(0xc0, headerBytes);
  }
  bytes.push(0, 0, 0, 0);
  for (const value of [facts.refresh, facts.retry, facts.expire, facts.negativeTtl]) bytes.push(...word32(value));
  const dataBytes = bytes.length - 12;
  bytes[10] = dataBytes >> 8;
  bytes[11] = dataBytes & 255;
  const soa = Uint8Array.from(bytes);
  const soaWords = new Int32Array(soa.buffer.slice(0, soa.length & ~3));
  return { origin: wireOrigin, soa, soaWords, originPointers: pointers, isComplete };
}

function word32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** The zones that answers may name: the cluster zone, further ones, then the two reverse trees. */
export function zoneTemplates(facts: ZoneFacts, otherZones: readonly ZoneFacts[] = []): ZoneTemplate[] {
  return [
    ...[facts, ...otherZones].map((zone) => zoneTemplate(zone.origin, zone, true)),
    ...['in-addr.arpa', 'ip6.arpa'].map((origin) => zoneTemplate(origin, facts, false)),
  ];
}
