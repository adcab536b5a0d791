import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { PROXY_FIELD, PROXY_HEADER_MAX_BYTES, parseProxyHeader, writeProxyV1, writeProxyV2 } from './proxy-header.ts';

const signature = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string): Buffer => Buffer.from(signature + rest.replaceAll(' ', ''), 'hex');
const text = (line: string): Buffer => Buffer.from(line, 'latin1');

test('CRC-32C: the check value, and the zeros of RFC 3720 B.4', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
});

const accepted: readonly (readonly [name: string, bytes: Buffer, ends: string])[] = [
  ['v1 TCP4', text('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'), '1 proxy 192.0.2.1:56324>198.51.100.2:443'],
  [
    'v1 TCP4, the longest',
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    '1 proxy 255.255.255.255:65535>255.255.255.255:65535',
  ],
  ['v1 TCP6', text('PROXY TCP6 2001:db8::1 ::1 1 0\r\n'), '1 proxy 2001:db8::1:1>::1:0'],
  [
    'v1 TCP6, the longest',
    text(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    `1 proxy ${'ffff:'.repeat(7)}ffff:65535>${'ffff:'.repeat(7)}ffff:65535`,
  ],
  ['v1 UNKNOWN', text('PROXY UNKNOWN\r\n'), '1 proxy'],
  ['v1 UNKNOWN with more', text('PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n'), '1 proxy'],
  ['v2 LOCAL', v2('20 00 0000'), '2 local'],
  ['v2 LOCAL with addresses, ignored', v2('20 11 000c c0000201 c6336402 dc04 01bb'), '2 local'],
  ['v2 TCP over IPv4', v2('21 11 000c c0000201 c6336402 dc04 01bb'), '2 proxy 192.0.2.1:56324>198.51.100.2:443'],
  ['v2 UDP over IPv4', v2('21 12 000c c0000201 c6336402 dc04 01bb'), '2 proxy 192.0.2.1:56324>198.51.100.2:443'],
  [
    'v2 TCP over IPv6',
    v2(`21 21 0024 20010db8${'00'.repeat(11)}01 ${'00'.repeat(15)}01 0001 0002`),
    '2 proxy 2001:db8:0:0:0:0:0:1:1>0:0:0:0:0:0:0:1:2',
  ],
  ['v2 UNSPEC', v2('21 00 0000'), '2 proxy'],
  ['v2 UNIX', v2(`21 31 00d8 ${'61'.repeat(216)}`), '2 proxy'],
  [
    'v2 with a field',
    v2('21 11 0013 c0000201 c6336402 dc04 01bb 02 0004 61626364'),
    '2 proxy 192.0.2.1:56324>198.51.100.2:443 2=abcd',
  ],
  ['v2 with padding, left out', v2('21 00 0005 04 0002 0000'), '2 proxy'],
  ['v2 with a field of a future type', v2('21 00 0004 ee 0001 7a'), '2 proxy 238=z'],
];
for (const [name, bytes, wanted] of accepted) {
  test(`PROXY protocol: ${name}`, () => {
    const rest = text('GET / HTTP/1.1\r\n');
    const result = parseProxyHeader(Buffer.concat([bytes, rest]));
    assert.ok(result.type === 'header', JSON.stringify(result));
    const { version, command, source, destination, fields } = result.header;
    const ends =
      source === undefined ? '' : ` ${source.address}:${source.port}>${destination?.address}:${destination?.port}`;
    const more = fields.map(({ type, value }) => ` ${type}=${Buffer.from(value)}`).join('');
    assert.equal(`${version} ${command}${ends}${more}`, wanted);
    assert.equal(result.lengthBytes, bytes.length, 'what follows is not taken');
    // Byte by byte: incomplete until the last one, and never asking for more than there is.
    for (let length = 0; length < bytes.length; length++) {
      const part = parseProxyHeader(bytes.subarray(0, length));
      assert.ok(part.type === 'incomplete', `${length}: ${part.type}`);
      assert.ok(part.needBytes > length && part.needBytes <= bytes.length);
    }
  });
}

const refused: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['no header', text('GET / HTTP/1.1\r\n\r\n')],
  ['a word that begins alike', text('PROXX TCP4')],
  ['v1 lower case', text('proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['v1 UDP4', text('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['v1 two spaces', text('PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['v1 missing port', text('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n')],
  ['v1 something more', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
  ['v1 family and address disagree', text('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['v1 family and address disagree, the other way', text('PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['v1 leading zero in an address', text('PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n')],
  ['v1 leading zero in a port', text('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
  ['v1 port too large', text('PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n')],
  ['v1 negative port', text('PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n')],
  ['v1 scope', text('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')],
  ['v1 UNKNOWN with something attached', text('PROXY UNKNOWNS\r\n')],
  ['v1 LF alone', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n')],
  ['v1 too long', text(`PROXY UNKNOWN ${'x'.repeat(120)}\r\n`)],
  ['v1 without an end', text(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
  ['v2 signature broken', Buffer.from('0d0a0d0a000d0a515549540b21110000', 'hex')],
  ['v2 version 1', v2('11 11 000c c0000201 c6336402 dc04 01bb')],
  ['v2 version 3', v2('31 11 000c c0000201 c6336402 dc04 01bb')],
  ['v2 command 2', v2('22 11 000c c0000201 c6336402 dc04 01bb')],
  ['v2 family 4', v2('21 41 0000')],
  ['v2 transport 3', v2('21 13 000c c0000201 c6336402 dc04 01bb')],
  ['v2 too short for its addresses', v2('21 11 0008 c0000201 c6336402')],
  ['v2 too long', v2('21 11 ffff')],
  ['v2 field cut off in its head', v2('21 00 0002 0200')],
  ['v2 field cut off in its value', v2('21 00 0004 02 0002 61')],
  ['v2 wrong checksum', v2('21 00 0007 03 0004 00000000')],
  ['v2 checksum of three bytes', v2('21 00 0006 03 0003 000000')],
];
for (const [name, bytes] of refused) {
  test(`PROXY protocol refused: ${name}`, () => {
    assert.equal(parseProxyHeader(bytes).type, 'malformed');
  });
}

test('a checksum that is right is taken', () => {
  const header = writeProxyV2({ raw: new Uint8Array(0), port: 0 }, { raw: new Uint8Array(0), port: 0 }, [
    { type: PROXY_FIELD.authority, value: Buffer.from('shop.example') },
    { type: PROXY_FIELD.crc32c, value: new Uint8Array(4) },
  ]);
  header.writeUInt32BE(crc32c(header), header.length - 4);
  assert.equal(parseProxyHeader(header).type, 'header');
  header[20]! ^= 1;
  assert.equal(parseProxyHeader(header).type, 'malformed');
});

test('what is written is read again', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const raw = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
  const field = fc.record({ type: fc.integer({ min: 0x20, max: 0xff }), value: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(raw, port, port, fc.array(field, { maxLength: 5 }), (address, from, to, fields) => {
      const header = writeProxyV2({ raw: address, port: from }, { raw: address, port: to }, fields);
      const result = parseProxyHeader(header);
      assert.ok(result.type === 'header');
      assert.equal(result.lengthBytes, header.length);
      assert.deepEqual([result.header.source?.port, result.header.destination?.port], [from, to]);
      assert.deepEqual(
        result.header.fields.map(({ type, value }) => [type, [...value]]),
        fields.map(({ type, value }) => [type, [...value]]),
      );
    }),
  );
  // Version 1 has room for the 39 characters of a canonical text; addresses come as such.
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((address) => address.length <= 39),
  );
  fc.assert(
    fc.property(text, port, (address, from) => {
      const result = parseProxyHeader(writeProxyV1({ address, port: from }, { address, port: 1 }));
      assert.ok(result.type === 'header');
      assert.deepEqual(result.header.source, { address, port: from });
    }),
  );
  assert.equal(
    String(writeProxyV1({ address: '192.0.2.1', port: 1 }, { address: '::1', port: 2 })),
    'PROXY UNKNOWN\r\n',
  );
});

test('fuzz: any bytes, and broken headers, give an answer within bounds', () => {
  const good = accepted.map(([, bytes]) => bytes);
  const broken = fc
    .tuple(fc.constantFrom(...good), fc.nat(), fc.nat(255), fc.uint8Array({ maxLength: 20 }))
    .map(([bytes, at, value, tail]) => {
      const copy = Buffer.concat([bytes, tail]);
      copy[at % bytes.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), broken), (bytes) => {
      const result = parseProxyHeader(bytes);
      if (result.type === 'header') assert.ok(result.lengthBytes <= bytes.length);
      if (result.type === 'incomplete') {
        assert.ok(result.needBytes > bytes.length && result.needBytes <= PROXY_HEADER_MAX_BYTES);
      }
    }),
    { numRuns: 5000 },
  );
});
