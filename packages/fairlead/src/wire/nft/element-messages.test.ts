import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { batchBegin, batchEnd, ElementMessages, type NftShape } from './element-messages.ts';
import { decodeSetElements } from './set-elements.ts';

const shapes = new Map<string, NftShape>([
  ['places', { key: ['address', 'port', 'number'], value: ['address', 'port'] }],
  ['frontends', { key: ['address', 'protocol', 'port'], value: ['number'] }],
  ['ips', { key: ['address'] }],
]);

function writeAddress(text: string, into: Buffer, at: number): void {
  into.set(Buffer.from(text, 'hex'), at);
}

test('bytes of a batch with one element', () => {
  const messages = new ElementMessages('ip', 't', shapes, writeAddress);
  assert.equal(messages.take('frontends', '0a000001 . udp . 53', '65537'), true);
  assert.equal(messages.take('unknown', '1', '2'), false);
  assert.equal(messages.count, 1);
  const [batch = [], ...more] = messages.batches(4096);
  assert.deepEqual(more, []);
  assert.deepEqual(
    batch.map((message) => message.toString('hex')),
    [
      '14000000' + '1000' + '0100' + '00000000' + '00000000' + '0000' + '000a',
      // Header, table 't', set 'frontends', the list of one element.
      '54000000' +
        '0c0a' +
        '0104' +
        '00000000' +
        '00000000' +
        '0200' +
        '0000' +
        '0600' +
        '0100' +
        '74000000' +
        '0e00' +
        '0200' +
        '66726f6e74656e6473000000' +
        '2800' +
        '0380' +
        '2400' +
        '0180' +
        // Key: three fields of four bytes.
        '1400' +
        '0180' +
        '1000' +
        '0100' +
        '0a000001' +
        '11000000' +
        '00350000' +
        // Value: a number of the host's.
        '0c00' +
        '0280' +
        '0800' +
        '0100' +
        '01000100' +
        '',
      '14000000' + '1100' + '0500' + '00000000' + '00000000' + '0000' + '000a',
    ],
  );
});

test('what is taken comes out again, in order, in batches that fit', () => {
  const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes });
  const element = (bytes: number) =>
    fc.oneof(
      fc.record({
        set: fc.constant('places'),
        ip: hex(bytes),
        port: fc.nat(65_535),
        number: fc.nat(0xffff_ffff),
        to: hex(bytes),
      }),
      fc.record({
        set: fc.constant('ips'),
        ip: hex(bytes),
        port: fc.constant(0),
        number: fc.constant(0),
        to: hex(bytes),
      }),
    );
  const property = fc.property(
    fc.constantFrom('ip' as const, 'ip6' as const).chain((family) =>
      fc.tuple(
        fc.constant(family),
        // Few of them, many times: enough to fill several messages.
        fc.array(element(family === 'ip' ? 4 : 16), { maxLength: 30 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 62_000, max: 200_000 }),
      ),
    ),
    ([family, elements, times, maxBytes]) => {
      const messages = new ElementMessages(family, 'table', shapes, writeAddress);
      const wanted = new Map<string, string[]>();
      for (let round = 0; round < times; round++) {
        for (const { set, ip, port, number, to } of elements) {
          const [from, target] = [Buffer.from(ip).toString('hex'), Buffer.from(to).toString('hex')];
          if (set === 'ips') messages.take(set, from, '');
          else messages.take(set, `${from} . ${port} . ${number}`, `${target} . ${port}`);
          const portHex = `${port.toString(16).padStart(4, '0')}0000`;
          const numberHex = Buffer.from(Uint32Array.of(number).buffer).toString('hex');
          const text = set === 'ips' ? `${from} ` : `${from}${portHex}${numberHex} ${target}${portHex}`;
          const texts = wanted.get(set);
          if (texts === undefined) wanted.set(set, [text]);
          else texts.push(text);
        }
        if (elements.length * times > 2000 && round > 60) break;
      }
      const got: string[] = [];
      for (const batch of messages.batches(maxBytes)) {
        assert.ok(batch.reduce((sum, message) => sum + message.length, 0) <= maxBytes);
        assert.equal(batch[0], batchBegin);
        assert.equal(batch.at(-1), batchEnd);
        for (const message of batch.slice(1, -1)) {
          assert.equal(message.readUInt32LE(0), message.length);
          for (const { key, data } of decodeSetElements(message.subarray(16))) {
            got.push(`${key.toString('hex')} ${data.toString('hex')}`);
          }
        }
      }
      assert.deepEqual(got, [...wanted.values()].flat());
      assert.deepEqual([...messages.batches(maxBytes)], [], 'handed out once');
    },
  );
  fc.assert(property, { numRuns: 40 });
});
