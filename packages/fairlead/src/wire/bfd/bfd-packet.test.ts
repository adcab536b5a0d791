import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BfdPacket, bfdStates, readBfdPacket, writeBfdPacket } from './bfd-packet.ts';

const packet: BfdPacket = {
  diagnostic: 3,
  state: 'Up',
  poll: true,
  final: false,
  controlPlaneIndependent: true,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 0x01020304,
  yourDiscriminator: 0xa0b0c0d0,
  desiredMinTxUs: 300_000,
  requiredMinRxUs: 50_000,
  requiredMinEchoRxUs: 0,
};

test('octets are those of RFC 5880 4.1', () => {
  const text = Buffer.from(writeBfdPacket(packet)).toString('hex');
  assert.equal(text, '23e80318' + '01020304' + 'a0b0c0d0' + '000493e0' + '0000c350' + '00000000');
});

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const positive = fc.integer({ min: 1, max: 0xffff_ffff });
const anyPacket = fc.record(
  {
    diagnostic: fc.integer({ min: 0, max: 31 }),
    state: fc.constantFrom(...bfdStates),
    poll: fc.constant(false),
    final: fc.boolean(),
    controlPlaneIndependent: fc.boolean(),
    demand: fc.boolean(),
    detectMultiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: positive,
    yourDiscriminator: positive,
    desiredMinTxUs: u32,
    requiredMinRxUs: u32,
    requiredMinEchoRxUs: u32,
  },
  { noNullPrototype: true },
);

test('what is written is read again, also with something behind it', () => {
  fc.assert(
    fc.property(anyPacket, fc.uint8Array({ maxLength: 8 }), (one, rest) => {
      assert.deepEqual(readBfdPacket(Buffer.concat([writeBfdPacket(one), rest])), one);
    }),
  );
});

test('any bytes: discarded, or a packet that keeps the rules', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(anyPacket, fc.nat(23), fc.integer({ min: 0, max: 255 })).map(([one, place, value]) => {
      const changed = writeBfdPacket(one);
      changed[place] = value;
      return changed;
    }),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const read = readBfdPacket(input);
      if (read === undefined) return;
      assert.ok(read.detectMultiplier > 0 && read.myDiscriminator > 0 && !(read.poll && read.final));
      assert.ok(read.yourDiscriminator > 0 || read.state === 'Down' || read.state === 'AdminDown');
    }),
  );
});

const rows: readonly [name: string, from: number, value: number, to?: number][] = [
  ['another version', 0, 0x40],
  ['a length below 24', 3, 23],
  ['a length beyond the datagram', 3, 25],
  ['multiplier 0', 2, 0],
  ['multipoint', 1, 0xc1],
  ['authentication that nobody agreed on', 1, 0xc4],
  ['a question and an answer at once', 1, 0xf0],
  ['no discriminator of the sender', 4, 0, 8],
  ['none of ours, though the session is up', 8, 0, 12],
];
for (const [name, from, value, to = from + 1] of rows) {
  test(`discarded: ${name}`, () => {
    const bytes = writeBfdPacket(packet).fill(value, from, to);
    assert.equal(readBfdPacket(bytes), undefined);
  });
}
