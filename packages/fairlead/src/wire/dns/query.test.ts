import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldByte } from './name.ts';
import { hashName, ParsedQuery, parseQuery, queryVerdict } from './query.ts';

type Verdict = keyof typeof queryVerdict;

const question = '0377777707457841 6d504c6500 0001 0001';
const opt = '00 0029 04d0 00000000 0000';

/** Verdict name of a message in hex. */
function parse(hex: string, query: ParsedQuery = new ParsedQuery()): Verdict {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const verdict = parseQuery(bytes, 0, bytes.length, query);
  return (Object.keys(queryVerdict) as Verdict[]).find((key) => queryVerdict[key] === verdict)!;
}

test('queries and what becomes of them', async (t) => {
  const rows: readonly (readonly [title: string, hex: string, verdict: Verdict])[] = [
    ['plain query', `1234 0100 0001 0000 0000 0000 ${question}`, 'ok'],
    ['with OPT', `1234 0100 0001 0000 0000 0001 ${question} ${opt}`, 'ok'],
    [
      'unknown EDNS option',
      `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0006 fde9 0002 abcd`,
      'ok',
    ],
    ['unknown EDNS flags', `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00007fff 0000`, 'ok'],
    ['other record beside OPT', `1234 0100 0001 0000 0000 0002 ${question} 00 0001 0001 00000000 0000 ${opt}`, 'ok'],
    ['root question', '1234 0100 0001 0000 0000 0000 00 0002 0001', 'ok'],
    ['IXFR with its SOA', `1234 0000 0001 0000 0001 0000 0161 00 00fb 0001 ffff`, 'ok'],
    ['nothing', '', 'drop'],
    ['eleven bytes', '1234 0100 0001 0000 0000 00', 'drop'],
    ['a response', `1234 8100 0001 0000 0000 0000 ${question}`, 'drop'],
    ['STATUS', `1234 1000 0001 0000 0000 0000 ${question}`, 'notimp'],
    ['NOTIFY', `1234 2000 0001 0000 0000 0000 ${question}`, 'notimp'],
    ['UPDATE', `1234 2800 0001 0000 0000 0000 ${question}`, 'notimp'],
    ['header only', '1234 0100 0001 0000 0000 0000', 'formerr'],
    ['no question', '1234 0100 0000 0000 0000 0000', 'formerr'],
    ['two questions', `1234 0100 0002 0000 0000 0000 ${question} ${question}`, 'formerr'],
    ['answer record in a query', `1234 0100 0001 0001 0000 0000 ${question}`, 'formerr'],
    ['authority record in a query', `1234 0100 0001 0000 0001 0000 ${question}`, 'formerr'],
    ['name runs over the end', '1234 0100 0001 0000 0000 0000 3f61', 'formerr'],
    ['name without root', '1234 0100 0001 0000 0000 0000 0161', 'formerr'],
    ['no type', '1234 0100 0001 0000 0000 0000 0161 00', 'formerr'],
    ['half a class', '1234 0100 0001 0000 0000 0000 0161 00 0001 00', 'formerr'],
    ['compressed question', '1234 0100 0001 0000 0000 0000 c00c 0001 0001', 'formerr'],
    ['label of 64', `1234 0100 0001 0000 0000 0000 40${'61'.repeat(64)} 00 0001 0001`, 'formerr'],
    ['name of 256', `1234 0100 0001 0000 0000 0000 ${`3f${'61'.repeat(63)}`.repeat(4)} 00 0001 0001`, 'formerr'],
    ['bytes behind the question', `1234 0100 0001 0000 0000 0000 ${question} 00`, 'formerr'],
    ['bytes behind OPT', `1234 0100 0001 0000 0000 0001 ${question} ${opt} 00`, 'formerr'],
    ['missing additional', `1234 0100 0001 0000 0000 0001 ${question}`, 'formerr'],
    ['two OPT', `1234 0100 0001 0000 0000 0002 ${question} ${opt} ${opt}`, 'formerr'],
    ['OPT with an owner', `1234 0100 0001 0000 0000 0001 ${question} 0161 ${opt}`, 'formerr'],
    ['OPT owner by pointer', `1234 0100 0001 0000 0000 0001 ${question} c00c ${opt.slice(3)}`, 'formerr'],
    ['OPT data cut', `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0004 0003 00`, 'formerr'],
    [
      'option over the end of OPT',
      `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0004 0003 0001`,
      'formerr',
    ],
    ['half an option', `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0002 0003`, 'formerr'],
    ['EDNS version 1', `1234 0100 0001 0000 0000 0001 ${question} 00 0029 04d0 00010000 0000`, 'badvers'],
  ];
  for (const [title, hex, verdict] of rows) await t.test(title, () => assert.equal(parse(hex), verdict));
});

test('fields of a query', () => {
  const query = new ParsedQuery();
  assert.equal(parse(`1234 0110 0001 0000 0000 0001 ${question} 00 0029 0400 00008000 0000`, query), 'ok');
  assert.equal(Buffer.from(query.name.subarray(0, query.nameBytes)).toString('latin1'), '\x03www\x07example\0');
  assert.deepEqual(
    [query.qtype, query.qclass, query.flags, query.udpBytes, query.dnssecOk, query.questionEnd],
    [1, 1, 0x0110, 1024, true, 29],
  );
  assert.equal(parse(`1234 0100 0001 0000 0000 0001 ${question} 00 0029 0001 00000000 0000`, query), 'ok');
  assert.equal(query.udpBytes, 512, 'sizes below 512 count as 512');
  assert.equal(parse(`1234 0100 0001 0000 0000 0000 ${question}`, query), 'ok');
  assert.deepEqual([query.hasOpt, query.dnssecOk], [false, false], 'nothing of the query before is left');
});

test('a longer name before leaves no trace in the hash', () => {
  const [used, fresh] = [new ParsedQuery(), new ParsedQuery()];
  parse(`1234 0100 0001 0000 0000 0000 ${question}`, used);
  for (const query of [used, fresh]) parse('1234 0100 0001 0000 0000 0000 026162 00 0001 0001', query);
  assert.equal(used.hash, fresh.hash);
});

test('any mutation of a query gets a verdict, and reads nothing behind the end', () => {
  const seed = Buffer.from(
    `12340100000100000000000103777777076578616d706c650000010001${opt.replaceAll(' ', '')}`,
    'hex',
  );
  const mutation = fc.record({ at: fc.nat(seed.length - 1), byte: fc.nat(255) });
  const query = new ParsedQuery();
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 4 }), fc.nat(seed.length), (mutations, cut) => {
      const bytes = Uint8Array.from(seed);
      for (const { at, byte } of mutations) bytes[at] = byte;
      const verdict = parseQuery(bytes, 0, cut, query);
      const padded = new Uint8Array(cut + 40).fill(0xaa);
      padded.set(bytes.subarray(0, cut), 7);
      assert.equal(parseQuery(padded, 7, 7 + cut, query), verdict, 'position does not matter');
      if (verdict === queryVerdict.ok) assert.ok(query.questionEnd - 7 <= cut && query.nameBytes <= 255);
    }),
    { numRuns: 5000 },
  );
});

test('a name of any bytes is folded and hashed as byte by byte', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  const letters = fc.constantFrom(0x40, 0x41, 0x5a, 0x5b, 0x60, 0x61, 0x7a, 0x7b, 0xc1, 0xda);
  const edges = fc.array(letters, { minLength: 1, maxLength: 9 }).map((bytes) => Uint8Array.from(bytes));
  const query = new ParsedQuery();
  fc.assert(
    fc.property(fc.array(fc.oneof(label, edges), { maxLength: 3 }), fc.nat(3), (labels, offset) => {
      const name = Uint8Array.from([...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0]);
      const message = new Uint8Array(offset + 12 + name.length + 4).fill(0x41);
      message.set([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1], offset);
      assert.equal(parseQuery(message, offset, message.length, query), queryVerdict.ok);
      const folded = name.map((byte) => foldByte(byte));
      assert.deepEqual(query.name.slice(0, query.nameBytes), folded);
      const padded = new Uint8Array(260);
      padded.set(folded);
      assert.equal(query.hash, hashName(new Int32Array(padded.buffer), folded.length));
    }),
    { numRuns: 500 },
  );
});
