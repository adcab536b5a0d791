import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet';
import fc from 'fast-check';
import { rrClass, rrType } from './constants.ts';
import { type DnsMessage, type DnsRecord, decodeMessage } from './message.ts';
import { nameFromText, nameToText } from './name.ts';
import { ParsedQuery, parseQuery, queryVerdict } from './query.ts';
import { addressText, ipv4Bytes, ipv6Bytes, soaData, srvData, textData } from './rdata.ts';
import { MessageWriter } from './writer.ts';

/** What both codecs must agree on: a record in plain words. */
interface PlainRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'NS' | 'PTR' | 'SRV' | 'TXT' | 'MX' | 'SOA';
  readonly ttl: number;
  readonly data: string;
}

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const ipv4 = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255))).map((parts) => parts.join('.'));
/** Groups without zeros, so that there is one way to write it. */
const ipv6 = fc
  .tuple(...Array.from({ length: 8 }, () => fc.integer({ min: 1, max: 0xffff })))
  .map((groups) => groups.map((group) => group.toString(16)).join(':'));
const ttl = fc.nat(0x7fffffff);
const plainRecord: fc.Arbitrary<PlainRecord> = fc.oneof(
  fc.record({ name, ttl, type: fc.constant('A' as const), data: ipv4 }),
  fc.record({ name, ttl, type: fc.constant('AAAA' as const), data: ipv6 }),
  fc.record({ name, ttl, type: fc.constantFrom('CNAME' as const, 'NS' as const, 'PTR' as const), data: name }),
  fc.record({
    name,
    ttl,
    type: fc.constant('SRV' as const),
    data: fc.tuple(fc.nat(65535), fc.nat(65535), fc.nat(65535), name).map((parts) => parts.join(' ')),
  }),
  fc.record({
    name,
    ttl,
    type: fc.constant('MX' as const),
    data: fc.tuple(fc.nat(65535), name).map((p) => p.join(' ')),
  }),
  fc.record({ name, ttl, type: fc.constant('TXT' as const), data: fc.stringMatching(/^[ -~]{1,60}$/) }),
  fc.record({
    name,
    ttl,
    type: fc.constant('SOA' as const),
    data: fc.tuple(name, name, ...Array.from({ length: 5 }, () => fc.nat(0x7fffffff))).map((parts) => parts.join(' ')),
  }),
);
const plainMessage = fc.record({
  id: fc.nat(65535),
  question: fc.record({ name, type: fc.constantFrom('A', 'AAAA', 'SRV', 'TXT', 'SOA') }),
  answers: fc.array(plainRecord, { maxLength: 8 }),
  authority: fc.array(plainRecord, { maxLength: 3 }),
  additional: fc.array(plainRecord, { maxLength: 4 }),
});
type PlainMessage = typeof plainMessage extends fc.Arbitrary<infer T> ? T : never;

/** Our record of a plain one. */
function ourRecord({ name: owner, type, ttl: seconds, data }: PlainRecord): DnsRecord {
  const wire = (text: string): Uint8Array => nameFromText(text)!;
  const parts = data.split(' ');
  const bytes = (): Uint8Array => {
    switch (type) {
      case 'A':
        return ipv4Bytes(data)!;
      case 'AAAA':
        return ipv6Bytes(data)!;
      case 'SRV':
        return srvData(Number(parts[0]), Number(parts[1]), Number(parts[2]), wire(parts[3]!));
      case 'MX':
        return Uint8Array.of(Number(parts[0]) >> 8, Number(parts[0]) & 255, ...wire(parts[1]!));
      case 'TXT':
        return textData([data])!;
      case 'SOA': {
        const [serial, refresh, retry, expire, minimum] = parts.slice(2).map(Number) as [
          number,
          number,
          number,
          number,
          number,
        ];
        return soaData(wire(parts[0]!), wire(parts[1]!), serial, { refresh, retry, expire, minimum });
      }
      default:
        return wire(data);
    }
  };
  return { name: wire(owner), type: rrType[type], class: rrClass.IN, ttl: seconds, data: bytes() };
}

/** A record that we decoded, in plain words. */
function plainOfOurs({ name: owner, type, ttl: seconds, data }: DnsRecord): PlainRecord {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [typeName] = Object.entries(rrType).find(([, value]) => value === type) as [PlainRecord['type'], number];
  const text = (): string => {
    switch (typeName) {
      case 'A':
      case 'AAAA':
        return addressText(data);
      case 'SRV':
        return `${view.getUint16(0)} ${view.getUint16(2)} ${view.getUint16(4)} ${nameToText(data.subarray(6))}`;
      case 'MX':
        return `${view.getUint16(0)} ${nameToText(data.subarray(2))}`;
      case 'TXT':
        return Buffer.from(data.subarray(1)).toString('latin1');
      case 'SOA': {
        const first = nameToText(data);
        const second = nameToText(data.subarray(nameFromText(first)!.length));
        const numbers = [20, 16, 12, 8, 4].map((back) => view.getUint32(data.length - back));
        return `${first} ${second} ${numbers.join(' ')}`;
      }
      default:
        return nameToText(data);
    }
  };
  return { name: nameToText(owner), type: typeName, ttl: seconds, data: text() };
}

/** The other codec's record of a plain one. */
function theirRecord({ name: owner, type, ttl: seconds, data }: PlainRecord): Answer {
  const parts = data.split(' ');
  const common = { name: owner, ttl: seconds, class: 'IN' as const };
  switch (type) {
    case 'SRV': {
      const [priority = 0, weight = 0, port = 0] = parts.slice(0, 3).map(Number);
      return { ...common, type, data: { priority, weight, port, target: parts[3]! } };
    }
    case 'MX':
      return { ...common, type, data: { preference: Number(parts[0]), exchange: parts[1]! } };
    case 'TXT':
      return { ...common, type, data: [Buffer.from(data, 'latin1')] };
    case 'SOA': {
      const [serial, refresh, retry, expire, minimum] = parts.slice(2).map(Number) as [
        number,
        number,
        number,
        number,
        number,
      ];
      return { ...common, type, data: { mname: parts[0]!, rname: parts[1]!, serial, refresh, retry, expire, minimum } };
    }
    default:
      return { ...common, type, data };
  }
}

/** A record that the other codec decoded, in plain words. */
function plainOfTheirs(record: Answer): PlainRecord {
  assert.ok('data' in record && 'ttl' in record);
  const { name: owner, type, ttl: seconds = 0 } = record as { name: string; type: PlainRecord['type']; ttl?: number };
  const data = record.data as unknown;
  const text = (): string => {
    const fields = data as Readonly<Record<string, string | number>>;
    switch (type) {
      case 'SRV':
        return `${fields.priority ?? 0} ${fields.weight ?? 0} ${fields.port} ${fields.target}`;
      case 'MX':
        return `${fields.preference ?? 0} ${fields.exchange}`;
      case 'TXT':
        return Buffer.concat(data as Buffer[]).toString('latin1');
      case 'SOA':
        return [
          fields.mname,
          fields.rname,
          fields.serial,
          fields.refresh,
          fields.retry,
          fields.expire,
          fields.minimum,
        ].join(' ');
      default:
        return String(data);
    }
  };
  return { name: owner, type, ttl: seconds, data: text() };
}

function encodeOurs(message: PlainMessage): Uint8Array {
  const writer = new MessageWriter(new Uint8Array(65535));
  writer.header(message.id, 0x8580);
  const { name: asked, type } = message.question;
  writer.question({ name: nameFromText(asked)!, type: rrType[type as 'A'], class: rrClass.IN });
  for (const section of ['answer', 'authority', 'additional'] as const) {
    const records = section === 'answer' ? message.answers : message[section];
    for (const record of records) assert.ok(writer.record(section, ourRecord(record)));
  }
  return writer.bytes;
}

function encodeTheirs(message: PlainMessage): Uint8Array {
  return dnsPacket.encode({
    type: 'response',
    id: message.id,
    flags: 0x0580,
    questions: [{ name: message.question.name, type: message.question.type as 'A', class: 'IN' }],
    answers: message.answers.map(theirRecord),
    authorities: message.authority.map(theirRecord),
    additionals: message.additional.map(theirRecord),
  });
}

const plainOurs = (message: DnsMessage): object => ({
  id: message.id,
  question: message.questions.map((one) => [nameToText(one.name), one.type]),
  answers: message.answers.map(plainOfOurs),
  authority: message.authority.map(plainOfOurs),
  additional: message.additional.map(plainOfOurs),
});
const plainTheirs = (packet: DecodedPacket): object => ({
  id: packet.id,
  question: (packet.questions ?? []).map((one) => [one.name, rrType[one.type as 'A']]),
  answers: (packet.answers ?? []).map(plainOfTheirs),
  authority: (packet.authorities ?? []).map(plainOfTheirs),
  additional: (packet.additionals ?? []).map(plainOfTheirs),
});
const plainGiven = (message: PlainMessage): object => ({
  id: message.id,
  question: [[message.question.name, rrType[message.question.type as 'A']]],
  // Copies with the usual prototype, which the generated ones do not have.
  answers: message.answers.map((record) => ({ ...record })),
  authority: message.authority.map((record) => ({ ...record })),
  additional: message.additional.map((record) => ({ ...record })),
});

test('what we write, compression and all, dns-packet reads', () => {
  fc.assert(
    fc.property(plainMessage, (message) => {
      assert.deepEqual(plainTheirs(dnsPacket.decode(Buffer.from(encodeOurs(message)))), plainGiven(message));
    }),
    { numRuns: 500 },
  );
});

test('what dns-packet writes, we read', () => {
  fc.assert(
    fc.property(plainMessage, (message) => {
      const decoded = decodeMessage(encodeTheirs(message));
      assert.ok(decoded);
      assert.deepEqual(plainOurs(decoded), plainGiven(message));
    }),
    { numRuns: 500 },
  );
});

test('queries that dns-packet writes, with EDNS options, are parsed as meant', () => {
  const options = fc.record({ size: fc.integer({ min: 1, max: 65535 }), isDnssec: fc.boolean(), id: fc.nat(65535) });
  fc.assert(
    fc.property(name, options, (asked, { size, isDnssec, id }) => {
      const bytes = dnsPacket.encode({
        type: 'query',
        id,
        flags: dnsPacket.RECURSION_DESIRED,
        questions: [{ name: asked, type: 'AAAA' }],
        additionals: [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: size,
            flags: isDnssec ? dnsPacket.DNSSEC_OK : 0,
            options: [],
          } as unknown as Answer,
        ],
      });
      const query = new ParsedQuery();
      assert.equal(parseQuery(bytes, 0, bytes.length, query), queryVerdict.ok);
      assert.equal(query.qtype, rrType.AAAA);
      assert.equal(nameToText(query.name.slice(0, query.nameBytes)), asked);
      assert.equal(query.udpBytes, Math.max(512, size));
      assert.equal(query.dnssecOk, isDnssec);
    }),
  );
});

test('an address whose length is not that of its type makes a message malformed', () => {
  // type, class, bytes of data, whether it is read
  const rows: readonly (readonly [number, number, number, boolean])[] = [
    [rrType.A, rrClass.IN, 4, true],
    [rrType.A, rrClass.IN, 0, false],
    [rrType.A, rrClass.IN, 3, false],
    [rrType.A, rrClass.IN, 16, false],
    [rrType.AAAA, rrClass.IN, 16, true],
    [rrType.AAAA, rrClass.IN, 4, false],
    [rrType.AAAA, rrClass.IN, 0, false],
    // Another class has other data: unknown to us, and passed as it is (RFC 3597).
    [rrType.A, 3, 9, true],
  ];
  for (const [type, recordClass, bytes, isRead] of rows) {
    const writer = new MessageWriter(new Uint8Array(512));
    writer.header(1, 0x8180);
    writer.question({ name: nameFromText('a.test')!, type, class: recordClass });
    const data = new Uint8Array(bytes).fill(1);
    assert.ok(writer.record('answer', { name: nameFromText('a.test')!, type, class: recordClass, ttl: 5, data }));
    assert.equal(
      decodeMessage(writer.bytes) !== undefined,
      isRead,
      `type ${type} class ${recordClass}, ${bytes} bytes`,
    );
  }
});

test('where both codecs read a damaged message, they read the same', () => {
  let compared = 0;
  const damage = fc.array(fc.record({ at: fc.nat(400), byte: fc.nat(255) }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(plainMessage, damage, (message, changes) => {
      const bytes = Buffer.from(encodeOurs(message));
      for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
      const ours = decodeMessage(bytes);
      if (ours === undefined) return;
      let theirs: DecodedPacket;
      try {
        theirs = dnsPacket.decode(bytes);
      } catch {
        return;
      }
      // Counts and the plain fields; the two differ in how they show unknown types and odd bytes in names.
      assert.equal(ours.id, theirs.id);
      assert.equal(ours.answers.length, theirs.answers?.length);
      assert.deepEqual(
        ours.answers
          .filter((one) => one.type === rrType.A && one.class === rrClass.IN)
          .map(({ data }) => data.join('.')),
        // The other codec reads four bytes in any class, and takes the top bit of the class for mDNS's.
        (theirs.answers ?? []).flatMap((one) =>
          one.type === 'A' && one.class === 'IN' && one.flush !== true ? [one.data] : [],
        ),
      );
      compared++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(compared > 300, String(compared));
});
