import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headerFlag, rrClass, rrType } from './constants.ts';
import { type DnsMessage, type DnsRecord, decodeMessage } from './message.ts';
import { nameFromText, nameKey, nameToText } from './name.ts';
import { ipv4Bytes, ipv6Bytes, soaData, srvData, textData } from './rdata.ts';
import { MessageWriter, type SectionName } from './writer.ts';

const wire = (text: string): Uint8Array => nameFromText(text)!;
const record = (name: string, type: number, data: Uint8Array, ttl = 5): DnsRecord => ({
  name: wire(name),
  type,
  class: rrClass.IN,
  ttl,
  data,
});

function write(size: number, records: readonly (readonly [SectionName, DnsRecord])[]): MessageWriter {
  const writer = new MessageWriter(new Uint8Array(size));
  writer.header(0x1234, headerFlag.QR | headerFlag.AA);
  writer.question({ name: wire('Web.shop'), type: rrType.A, class: rrClass.IN });
  for (const [section, entry] of records) writer.record(section, entry);
  return writer;
}

const head = '1234 8400 0001';
const asked = '03576562 0473686f70 00 0001 0001';

test('messages byte by byte', async (t) => {
  const soa = soaData(wire('ns.shop'), wire('root.shop'), 7, { refresh: 1, retry: 2, expire: 3, minimum: 4 });
  const rows: readonly (readonly [
    title: string,
    records: readonly (readonly [SectionName, DnsRecord])[],
    hex: string,
  ])[] = [
    [
      'A, the owner points to the question in any case',
      [['answer', record('wEB.shop', rrType.A, ipv4Bytes('10.0.0.1')!)]],
      `${head} 0001 0000 0000 ${asked} c00c 0001 0001 00000005 0004 0a000001`,
    ],
    [
      'AAAA',
      [['answer', record('web.shop', rrType.AAAA, ipv6Bytes('fd00::1:2')!, 0x01020304)]],
      `${head} 0001 0000 0000 ${asked} c00c 001c 0001 01020304 0010 fd000000000000000000000000010002`,
    ],
    [
      'CNAME, target shares a suffix',
      [['answer', record('web.shop', rrType.CNAME, wire('www.shop'))]],
      `${head} 0001 0000 0000 ${asked} c00c 0005 0001 00000005 0006 03777777 c010`,
    ],
    [
      'PTR to the question itself',
      [['answer', record('web.shop', rrType.PTR, wire('web.shop'))]],
      `${head} 0001 0000 0000 ${asked} c00c 000c 0001 00000005 0002 c00c`,
    ],
    [
      'SRV target is never compressed, but its glue is',
      [
        ['answer', record('web.shop', rrType.SRV, srvData(1, 100, 80, wire('a.shop')))],
        ['additional', record('a.shop', rrType.A, ipv4Bytes('10.0.0.1')!)],
      ],
      `${head} 0001 0000 0001 ${asked} c00c 0021 0001 00000005 000e 0001 0064 0050 0161 0473686f70 00 0161 c010 0001 0001 00000005 0004 0a000001`,
    ],
    [
      'TXT',
      [['answer', record('web.shop', rrType.TXT, textData(['1.1.0', '']))]],
      `${head} 0001 0000 0000 ${asked} c00c 0010 0001 00000005 0007 05312e312e30 00`,
    ],
    [
      'SOA and NS',
      [
        ['authority', record('shop', rrType.SOA, soa)],
        ['authority', record('shop', rrType.NS, wire('ns.shop'))],
      ],
      `${head} 0000 0002 0000 ${asked} c010 0006 0001 00000005 0020 026e73c010 04726f6f74c010 00000007 00000001 00000002 00000003 00000004 c010 0002 0001 00000005 0002 c026`,
    ],
    [
      'unknown type',
      [['answer', record('.', 65280, Uint8Array.of(1, 2, 3))]],
      `${head} 0001 0000 0000 ${asked} 00 ff00 0001 00000005 0003 010203`,
    ],
  ];
  for (const [title, records, hex] of rows) {
    await t.test(title, () => {
      assert.equal(Buffer.from(write(512, records).bytes).toString('hex'), hex.replaceAll(' ', ''));
    });
  }
  await t.test('OPT with an extended code', () => {
    const writer = write(512, []);
    assert.equal(writer.opt(16, true), true);
    assert.equal(Buffer.from(writer.bytes.subarray(26)).toString('hex'), '00002904d0010080000000');
  });
});

test('a record that does not fit leaves the message as it was', () => {
  const long = record('a.very.long.owner.name', rrType.TXT, textData(['x'.repeat(100)]));
  const full = write(512, [['answer', long]]).length;
  for (let size = 26; size < full; size++) {
    const writer = write(size, []);
    const before = Buffer.from(writer.bytes);
    assert.equal(writer.record('answer', long), false, `${size}`);
    assert.deepEqual(Buffer.from(writer.bytes), before);
    // A suffix of the abandoned record must not be pointed to.
    if (writer.record('answer', record('owner.name', rrType.A, ipv4Bytes('1.2.3.4')!))) {
      assert.notEqual(decodeMessage(writer.bytes), undefined);
    }
  }
});

const nameArbitrary = fc
  .array(fc.constantFrom('a', 'B', 'b', 'web', 'x'.repeat(63), 'svc', '\\000', 'cluster'), {
    minLength: 0,
    maxLength: 3,
  })
  .map((labels) => wire(labels.join('.')));
const dataArbitrary = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((data) => ({ type: 65280, data })),
  nameArbitrary.map((data) => ({ type: rrType.CNAME, data })),
  nameArbitrary.map((target) => ({ type: rrType.SRV, data: srvData(0, 1, 2, target) })),
  fc.tuple(nameArbitrary, nameArbitrary).map(([primary, mailbox]) => ({
    type: rrType.SOA,
    data: soaData(primary, mailbox, 1, { refresh: 2, retry: 3, expire: 4, minimum: 5 }),
  })),
);
const recordArbitrary = fc
  .record({ name: nameArbitrary, rest: dataArbitrary, ttl: fc.nat(0x7fffffff) })
  .map(({ name, rest, ttl }): DnsRecord => ({ name, ttl, class: rrClass.IN, ...rest }));

function comparable(message: DnsMessage): unknown {
  const line = (entry: DnsRecord): string => {
    const data = Buffer.from(entry.data).toString('latin1').toLowerCase();
    return `${nameKey(entry.name)} ${entry.type} ${entry.ttl} ${data}`;
  };
  return { ...message, questions: [], answers: message.answers.map(line), authority: [], additional: [] };
}

test('what is written is read again, names without regard to case', () => {
  fc.assert(
    fc.property(fc.array(recordArbitrary, { maxLength: 12 }), (records) => {
      const writer = new MessageWriter(new Uint8Array(65535));
      writer.header(1, 0x8000);
      for (const entry of records) assert.equal(writer.record('answer', entry), true);
      const message = decodeMessage(writer.bytes);
      assert.ok(message);
      const expected = { id: 1, flags: 0x8000, questions: [], answers: records, authority: [], additional: [] };
      assert.deepEqual(comparable(message), comparable(expected));
    }),
  );
});

test('decoding any mutated message ends', () => {
  const seed = write(512, [
    ['answer', record('web.shop', rrType.CNAME, wire('a.b.shop'))],
    ['answer', record('a.b.shop', rrType.SRV, srvData(1, 2, 3, wire('c.shop')))],
    [
      'authority',
      record(
        'shop',
        rrType.SOA,
        soaData(wire('ns.shop'), wire('x.shop'), 1, { refresh: 1, retry: 1, expire: 1, minimum: 1 }),
      ),
    ],
  ]).bytes.slice();
  const mutation = fc.record({ at: fc.nat(seed.length - 1), byte: fc.constantFrom(0, 1, 0x3f, 0xc0, 0xff, 12, 40) });
  let decoded = 0;
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const bytes = Uint8Array.from(seed);
      for (const { at, byte } of mutations) bytes[at] = byte;
      const message = decodeMessage(bytes);
      if (message === undefined) return;
      decoded++;
      for (const entry of [...message.answers, ...message.authority]) assert.ok(nameToText(entry.name).length > 0);
    }),
    { numRuns: 3000 },
  );
  assert.ok(decoded > 0, 'some mutations stay well-formed');
});

test('malformed messages', async (t) => {
  const rows: readonly (readonly [title: string, hex: string])[] = [
    ['short header', '1234 8000 0000 0000 0000 00'],
    ['question missing', '1234 8000 0001 0000 0000 0000'],
    ['answer missing', '1234 8000 0000 0001 0000 0000'],
    ['data over the end', '1234 8000 0000 0001 0000 0000 00 0001 0001 00000000 0004 0a00'],
    ['name inside data over its end', '1234 8000 0000 0001 0000 0000 00 0005 0001 00000000 0001 01 6100'],
    ['bytes behind a name in data', '1234 8000 0000 0001 0000 0000 00 0005 0001 00000000 0002 0000'],
    ['SOA cut', '1234 8000 0000 0001 0000 0000 00 0006 0001 00000000 0003 0000 00'],
    ['bytes behind the last record', '1234 8000 0000 0000 0000 0000 00'],
  ];
  for (const [title, hex] of rows) {
    await t.test(title, () => assert.equal(decodeMessage(Buffer.from(hex.replaceAll(' ', ''), 'hex')), undefined));
  }
});

test('a TTL with the top bit set counts as 0', () => {
  const bytes = Buffer.from('12348000000000010000000000000100018000000000040a000001', 'hex');
  assert.equal(decodeMessage(bytes)?.answers[0]?.ttl, 0);
});

test('addresses', async (t) => {
  const rows: readonly (readonly [text: string, hex: string | undefined])[] = [
    ['10.0.0.255', '0a0000ff'],
    ['1.2.3', undefined],
    ['1.2.3.256', undefined],
    ['01.2.3.4', undefined],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['2001:DB8::a:0:1', '20010db8000000000000000a00000001'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7::8', undefined],
    ['12345::', undefined],
    ['::g', undefined],
    ['::1.2.3.4:1', undefined],
    ['fe80::1%eth0', undefined],
    ['', undefined],
  ];
  for (const [text, hex] of rows) {
    await t.test(JSON.stringify(text), () => {
      const bytes = text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
      assert.equal(bytes && Buffer.from(bytes).toString('hex'), hex);
    });
  }
});

test('no name is compressed to one that begins where a pointer does not reach (beyond 0x3fff)', () => {
  const writer = new MessageWriter(new Uint8Array(65535));
  writer.header(1, 0);
  writer.question({ name: nameFromText('first.test')!, type: rrType.TXT, class: rrClass.IN });
  const filler = { type: rrType.TXT, class: rrClass.IN, ttl: 1, data: new Uint8Array(1000) };
  while (writer.length <= 0x3fff) assert.ok(writer.record('answer', { ...filler, name: nameFromText('first.test')! }));
  // A new name is written whole each time, and one from the beginning is still pointed to.
  for (let round = 0; round < 3; round++) {
    for (const name of ['late.example', 'x.first.test']) {
      assert.ok(writer.record('answer', { ...filler, name: nameFromText(name)!, data: Uint8Array.of(round) }));
    }
  }
  const decoded = decodeMessage(writer.bytes);
  assert.ok(decoded !== undefined);
  assert.deepEqual(
    decoded.answers.slice(-6).map(({ name }) => nameToText(name)),
    ['late.example', 'x.first.test', 'late.example', 'x.first.test', 'late.example', 'x.first.test'],
  );
  const text = Buffer.from(writer.bytes).toString('latin1');
  assert.equal(text.split('\x04late\x07example\x00').length - 1, 3);
  assert.equal(text.split('\x05first\x04test\x00').length - 1, 1);
});
