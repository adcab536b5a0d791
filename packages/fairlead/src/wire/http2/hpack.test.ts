import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DynamicTable } from './dynamic-table.ts';
import { FieldList } from './field-list.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder, writeInteger } from './hpack-encoder.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.ts';
import { STATIC_COUNT, STATIC_FIELDS } from './static-table.ts';

type Pairs = [string, string][];

function decodeHex(decoder: HpackDecoder, hex: string, fields: FieldList = new FieldList()): Pairs | 'malformed' {
  const bytes = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  return decoder.decode(bytes, 0, bytes.length, fields) ? fields.toPairs() : 'malformed';
}

function listOf(pairs: Pairs): FieldList {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  return fields;
}

function encodePairs(encoder: HpackEncoder, pairs: Pairs): Buffer {
  const fields = listOf(pairs);
  const to = Buffer.alloc(HpackEncoder.roomFor(fields));
  return to.subarray(0, encoder.encode(fields, to, 0));
}

/** A generator of numbers in [0, 1) that gives the same ones each time. */
function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

describe('RFC 7541 appendix C', () => {
  const requests: Pairs[] = [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ],
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
      ['cache-control', 'no-cache'],
    ],
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ],
  ];
  const first: Pairs = [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ];
  const responses: Pairs[] = [
    first,
    [[':status', '307'], ...first.slice(1)],
    [
      [':status', '200'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
      ['location', 'https://www.example.com'],
      ['content-encoding', 'gzip'],
      ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    ],
  ];
  const sequences: { name: string; tableBytes: number; blocks: [string, Pairs, number][] }[] = [
    {
      name: 'C.3 requests without Huffman',
      tableBytes: 4096,
      blocks: [
        ['828684410f7777772e6578616d706c652e636f6d', requests[0]!, 57],
        ['828684be58086e6f2d6361636865', requests[1]!, 110],
        ['828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', requests[2]!, 164],
      ],
    },
    {
      name: 'C.4 requests with Huffman',
      tableBytes: 4096,
      blocks: [
        ['828684418cf1e3c2e5f23a6ba0ab90f4ff', requests[0]!, 57],
        ['828684be5886a8eb10649cbf', requests[1]!, 110],
        ['828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', requests[2]!, 164],
      ],
    },
    {
      name: 'C.5 responses without Huffman',
      tableBytes: 256,
      blocks: [
        [
          '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
          responses[0]!,
          222,
        ],
        ['4803333037c1c0bf', responses[1]!, 222],
        [
          '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
          responses[2]!,
          215,
        ],
      ],
    },
    {
      name: 'C.6 responses with Huffman',
      tableBytes: 256,
      blocks: [
        [
          '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
          responses[0]!,
          222,
        ],
        ['4883640effc1c0bf', responses[1]!, 222],
        [
          '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
          responses[2]!,
          215,
        ],
      ],
    },
  ];
  for (const { name, tableBytes, blocks } of sequences) {
    test(name, () => {
      const decoder = new HpackDecoder();
      decoder.table.resize(tableBytes);
      for (const [hex, pairs, size] of blocks) {
        assert.deepEqual(decodeHex(decoder, hex), pairs);
        assert.equal(decoder.table.size, size);
      }
    });
  }

  const singles: [string, string, Pairs, 0 | 1][] = [
    ['C.2.1', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', [['custom-key', 'custom-header']], 0],
    ['C.2.2', '040c2f73616d706c652f70617468', [[':path', '/sample/path']], 0],
    ['C.2.3', '100870617373776f726406736563726574', [['password', 'secret']], 1],
    ['C.2.4', '82', [[':method', 'GET']], 0],
  ];
  for (const [name, hex, pairs, sensitive] of singles) {
    test(name, () => {
      const fields = new FieldList();
      assert.deepEqual(decodeHex(new HpackDecoder(), hex, fields), pairs);
      assert.equal(fields.sensitive[0], sensitive);
    });
  }

  test('the encoder writes C.4 as the RFC does', () => {
    const encoder = new HpackEncoder();
    const hex = requests.map((pairs) => encodePairs(encoder, pairs).toString('hex'));
    assert.deepEqual(
      hex,
      sequences[1]!.blocks.map(([block]) => block),
    );
  });

  test('C.1 integers', () => {
    const to = Buffer.alloc(8);
    const cases: [number, number, string][] = [
      [31, 10, '0a'],
      [31, 1337, '1f9a0a'],
      [255, 42, '2a'],
    ];
    for (const [mask, value, hex] of cases) {
      assert.equal(to.subarray(0, writeInteger(to, 0, 0, mask, value)).toString('hex'), hex);
    }
  });
});

describe('malformed blocks', () => {
  const cases: Record<string, string> = {
    'index 0': '80',
    'index beyond the tables': 'be',
    'index far beyond': 'ffff7f',
    'name index beyond the tables': '7f0001 61',
    'literal without value': '400161',
    'literal cut in its name': '400561',
    'literal cut in its value': '4001610562',
    'integer cut': 'ff',
    'integer of five continuation bytes': 'ff8080808001',
    'integer that overflows': 'ffffffffff7f',
    'string length beyond the block': '40ff7f',
    'size update beyond the limit': '3fe21f',
    'size update behind a field': '8220',
    'three size updates': '202020',
    'Huffman EOS': '4001618 4ffffffff'.replace(/ /g, ''),
    'Huffman padding of 8 bits': '40016182 1fff',
    'Huffman padding of zeros': '40016181 18',
    'Huffman code cut': '40016181 fe',
  };
  for (const [name, hex] of Object.entries(cases)) {
    test(name, () => assert.equal(decodeHex(new HpackDecoder(), hex), 'malformed'));
  }
});

describe('table', () => {
  test('has the 61 entries of appendix A, found by their names', () => {
    assert.equal(STATIC_COUNT, 61);
    for (const [index, [name, value]] of STATIC_FIELDS.entries()) {
      if (value === '') continue;
      assert.equal(encodePairs(new HpackEncoder(), [[name, value]]).toString('hex'), (0x80 + index + 1).toString(16));
    }
  });

  test('evicts the oldest and takes nothing larger than itself', () => {
    const table = new DynamicTable();
    table.resize(100);
    const bytes = Buffer.from('abcdef');
    table.insert(bytes, 0, 1, 2);
    table.insert(bytes, 2, 3, 4);
    assert.deepEqual([table.count, table.size], [2, 68]);
    table.insert(bytes, 4, 5, 6);
    assert.deepEqual([table.count, table.size, table.holds(0), table.holds(1)], [2, 68, false, true]);
    table.insert(Buffer.alloc(80), 0, 1, 80);
    assert.deepEqual([table.count, table.size], [0, 0]);
  });

  test('a name reference to the entry that its insertion evicts', () => {
    const decoder = new HpackDecoder();
    decoder.table.resize(40);
    assert.deepEqual(decodeHex(decoder, '4003616263 0131'), [['abc', '1']]);
    assert.deepEqual(decodeHex(decoder, '7e0132'), [['abc', '2']]);
    assert.equal(decoder.table.count, 1);
  });

  test('the peer may shrink and grow it between blocks', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    const pairs: Pairs = [['a', 'b']];
    const exchange = (): string => {
      const block = encodePairs(encoder, pairs);
      assert.deepEqual(decodeHex(decoder, block.toString('hex')), pairs);
      return block.toString('hex');
    };
    exchange();
    assert.equal(exchange(), 'be');
    encoder.setMaxTableBytes(0);
    encoder.setMaxTableBytes(4096);
    assert.match(exchange(), /^203fe11f40/);
    encoder.setMaxTableBytes(10);
    assert.match(exchange(), /^2a00/);
    assert.equal(decoder.table.count, 0);
  });
});

describe('limits', () => {
  test('a bomb of references ends in a marked list of bounded size, and the table stays right', () => {
    const decoder = new HpackDecoder();
    const fields = new FieldList(16_384);
    const value = 'x'.repeat(4000);
    const block = Buffer.concat([
      Buffer.from('400161', 'hex'),
      Buffer.from([0x7f, 0xa1, 0x1e]),
      Buffer.from(value),
      Buffer.alloc(60_000, 0xbe),
      Buffer.from('400162 0163'.replace(/ /g, ''), 'hex'),
    ]);
    assert.ok(decoder.decode(block, 0, block.length, fields));
    assert.equal(fields.isTooLarge, true);
    assert.ok(fields.bytes.length <= 256 * 1024);
    assert.deepEqual(decodeHex(decoder, 'be'), [['b', 'c']]);
  });

  test('more fields than fit', () => {
    const fields = new FieldList();
    assert.equal(decodeHex(new HpackDecoder(), '82'.repeat(200), fields).length, 128);
    assert.equal(fields.isTooLarge, true);
  });
});

describe('indexing policy', () => {
  const cases: [string, string, boolean, boolean][] = [
    // name, value, goes into the table, is marked as never indexed
    ['authorization', 'Bearer abc', false, true],
    ['cookie', 'a=b', false, true],
    ['set-cookie', 'a=b', false, true],
    [':path', '/a/b', false, false],
    ['content-length', '12', false, false],
    ['server', 'x', true, false],
    ['x-custom', 'y', true, false],
    ['x-large', 'y'.repeat(2100), false, false],
  ];
  for (const [name, value, indexed, sensitive] of cases) {
    test(`${name} ${value.length} bytes`, () => {
      const encoder = new HpackEncoder();
      const block = encodePairs(encoder, [[name, value]]);
      assert.equal(encoder.table.count, indexed ? 1 : 0);
      assert.equal((block[0]! & 0xf0) === 0x10, sensitive);
    });
  }
});

describe('properties', () => {
  test('every byte string survives Huffman', () => {
    const random = seeded(7);
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const strings = [all, ...Array.from({ length: 2000 }, () => randomBytes(random, 64, random() < 0.5 ? 128 : 256))];
    for (const text of strings) {
      const coded = Buffer.alloc(text.length * 4 + 4);
      const end = huffmanEncode(text, 0, text.length, coded, 0);
      assert.equal(end, huffmanLength(text, 0, text.length));
      const back = Buffer.alloc(text.length + 4);
      assert.equal(huffmanDecode(coded, 0, end, back, 0), text.length);
      assert.deepEqual(back.subarray(0, text.length), text);
    }
  });

  test('what the encoder writes, the decoder reads, whatever came before', () => {
    const random = seeded(99);
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    const known = Array.from({ length: 60 }, (_, i) => `name-${i}`);
    for (let round = 0; round < 1500; round++) {
      if (random() < 0.02) encoder.setMaxTableBytes(Math.floor(random() * 5000));
      const pairs: Pairs = Array.from({ length: Math.floor(random() * 12) }, () => {
        const fixed = STATIC_FIELDS[Math.floor(random() * STATIC_COUNT)]!;
        const name = random() < 0.4 ? fixed[0] : known[Math.floor(random() * known.length)]!;
        const value = random() < 0.5 ? `v${Math.floor(random() * 3)}` : randomBytes(random, 90, 256).toString('latin1');
        return random() < 0.2 ? [fixed[0], fixed[1]] : [name, value];
      });
      assert.deepEqual(decodeHex(decoder, encodePairs(encoder, pairs).toString('hex')), pairs);
      assert.equal(decoder.table.size, encoder.table.size);
    }
  });

  test('random and mutated blocks never throw and never grow the table beyond its limit', () => {
    const random = seeded(4242);
    const encoder = new HpackEncoder();
    const seed = encodePairs(encoder, [
      [':method', 'GET'],
      [':path', '/abc/def'],
      ['x-a', 'b'],
      ['cookie', 'secret'],
    ]);
    const fields = new FieldList();
    for (let round = 0; round < 20_000; round++) {
      const decoder = new HpackDecoder();
      const block = random() < 0.5 ? randomBytes(random, 40, 256) : Buffer.from(seed);
      if (block.length > 0) block[Math.floor(random() * block.length)] = Math.floor(random() * 256);
      decoder.decode(block, 0, block.length, fields);
      assert.ok(decoder.table.size <= 4096);
    }
  });
});

function randomBytes(random: () => number, maxLength: number, limit: number): Buffer {
  return Buffer.from(Array.from({ length: Math.floor(random() * maxLength) }, () => Math.floor(random() * limit)));
}
