import assert from 'node:assert/strict';
import { test } from 'node:test';
import { netlinkAttribute, netlinkAttributes } from './attributes.ts';
import { decodeNftNotification } from './notification.ts';
import { decodeSetElements, setElementsRequest } from './set-elements.ts';

const header = (family: number): Buffer => Buffer.from([family, 0, 0, 0]);
const named = (name: string): Buffer => netlinkAttribute(1, Buffer.from(`${name}\0`));

const notifications: readonly [name: string, type: number, payload: Buffer, expected: unknown][] = [
  ['a new table', 0x0a00, Buffer.concat([header(2), named('t')]), { kind: 'changed', family: 'ip', table: 't' }],
  [
    'deleted elements, IPv6',
    0x0a0e,
    Buffer.concat([header(10), named('x')]),
    { kind: 'changed', family: 'ip6', table: 'x' },
  ],
  [
    'another family',
    0x0a00,
    Buffer.concat([header(1), named('t')]),
    { kind: 'changed', family: undefined, table: 't' },
  ],
  [
    'the table after other attributes',
    0x0a00,
    Buffer.concat([header(2), netlinkAttribute(9, Buffer.of(1)), named('t')]),
    { kind: 'changed', family: 'ip', table: 't' },
  ],
  ['a new generation', 0x0a0f, header(0), { kind: 'committed' }],
  ['another subsystem', 0x0100, Buffer.concat([header(2), named('t')]), undefined],
  ['no table', 0x0a00, header(2), undefined],
  ['cut short', 0x0a00, Buffer.from([2]), undefined],
];
for (const [name, type, payload, expected] of notifications) {
  test(`notification: ${name}`, () => assert.deepEqual(decodeNftNotification(type, payload), expected));
}

test('attributes: padded, walked, and never beyond the end', () => {
  const bytes = Buffer.concat([netlinkAttribute(1, Buffer.from('abcde')), netlinkAttribute(0x8002, Buffer.of(7))]);
  assert.equal(bytes.length, 12 + 8);
  const seen = (part: Buffer): string[] =>
    [...netlinkAttributes(part)].map(({ type, value }) => `${type} ${value.toString('hex')}`);
  assert.deepEqual(seen(bytes), ['1 6162636465', '2 07']);
  for (let length = 0; length < bytes.length; length++) assert.ok(seen(bytes.subarray(0, length)).length <= 2);
  assert.deepEqual(seen(Buffer.from([3, 0, 1, 0])), [], 'a length below the header ends it');
});

test('elements of a map, with times', () => {
  const time = (ms: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(ms);
    return bytes;
  };
  const value = (bytes: Buffer): Buffer => netlinkAttribute(1, bytes);
  const element = netlinkAttribute(
    1,
    Buffer.concat([
      netlinkAttribute(1, value(Buffer.from('0a000001', 'hex'))),
      netlinkAttribute(2, value(Buffer.from('ff', 'hex'))),
      netlinkAttribute(4, time(600_000n)),
      netlinkAttribute(5, time(1234n)),
    ]),
  );
  const payload = Buffer.concat([
    setElementsRequest('ip', 't', 's'),
    netlinkAttribute(3, Buffer.concat([element, element])),
  ]);
  assert.deepEqual(
    [...decodeSetElements(payload)].map(({ key, data, timeoutMs, expiresMs }) => [
      key.toString('hex'),
      data.toString('hex'),
      timeoutMs,
      expiresMs,
    ]),
    [
      ['0a000001', 'ff', 600_000, 1234],
      ['0a000001', 'ff', 600_000, 1234],
    ],
  );
});
