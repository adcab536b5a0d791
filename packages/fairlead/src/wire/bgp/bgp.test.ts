import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { afi, BGP_MAX_BYTES, errorCode } from './bgp-constants.ts';
import {
  BgpMessageError,
  type BgpOpen,
  BgpReader,
  writeKeepalive,
  writeNotification,
  writeOpen,
} from './bgp-message.ts';
import { type PathAttributes, writeAnnouncements, writeEndOfRib, writeWithdrawals } from './bgp-update.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const open: BgpOpen = {
  asn: 4_200_000_001,
  holdTime: 90,
  identifier: 0xc000020b,
  families: [afi.ipv4, afi.ipv6],
  fourByteAs: true,
  gracefulRestart: { isRestarting: true, seconds: 120, forwards: true },
};

/** A message around a body, for what the writers do not write. */
function message(type: number, ...body: number[]): Uint8Array {
  const bytes = Uint8Array.from([...new Array<number>(16).fill(0xff), 0, 19 + body.length, type, ...body]);
  return bytes;
}

const path: PathAttributes = {
  nextHop: Uint8Array.of(192, 0, 2, 11),
  ownAsn: 65_001,
  fourByteAs: true,
  localPreference: undefined,
  communities: [],
  largeCommunities: [],
};

describe('BGP messages', () => {
  test('an OPEN comes back as it was', () => {
    const [read] = new BgpReader().push(writeOpen(open));
    assert.deepEqual(read, { kind: 'open', open });
  });

  test('a large AS number goes into the old field as AS_TRANS', () => {
    assert.equal(hex(writeOpen(open)).slice(40, 44), (23_456).toString(16).padStart(4, '0'));
  });

  test('a stream in any pieces gives the same messages', () => {
    const stream = Buffer.concat([
      writeOpen(open),
      writeKeepalive(),
      writeEndOfRib(afi.ipv6),
      writeNotification(6, 2, 'drain'),
      message(5, 0, 1, 0, 1),
    ]);
    const kinds = ['open', 'keepalive', 'update', 'notification', 'routeRefresh'];
    assert.deepEqual(
      new BgpReader().push(stream).map(({ kind }) => kind),
      kinds,
    );
    const reader = new BgpReader();
    const single = [...stream].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    assert.deepEqual(single, new BgpReader().push(stream));
    assert.deepEqual(single[3], { kind: 'notification', code: 6, subcode: 2, text: 'drain' });
  });

  const wrong: readonly (readonly [string, Uint8Array, number, number])[] = [
    ['a marker with a zero', Uint8Array.from([0, ...message(4).subarray(1)]), errorCode.header, 1],
    [
      'a length below the header',
      Uint8Array.from([...new Array<number>(16).fill(0xff), 0, 18, 4]),
      errorCode.header,
      2,
    ],
    [
      'a length above the most',
      Uint8Array.from([...new Array<number>(16).fill(0xff), 0x10, 0x01, 4]),
      errorCode.header,
      2,
    ],
    ['an unknown type', message(9), errorCode.header, 3],
    ['a KEEPALIVE with a body', message(4, 0), errorCode.header, 2],
    ['an OPEN that is too short', message(1, 4), errorCode.header, 2],
    ['another version', message(1, 3, 0, 1, 0, 90, 1, 1, 1, 1, 0), errorCode.open, 1],
    ['a hold time of 2 s', message(1, 4, 0, 1, 0, 2, 1, 1, 1, 1, 0), errorCode.open, 6],
    ['identifier 0', message(1, 4, 0, 1, 0, 90, 0, 0, 0, 0, 0), errorCode.open, 3],
    ['another optional parameter', message(1, 4, 0, 1, 0, 90, 1, 1, 1, 1, 2, 1, 0), errorCode.open, 4],
    ['a capability beyond its parameter', message(1, 4, 0, 1, 0, 90, 1, 1, 1, 1, 4, 2, 2, 65, 4), errorCode.open, 0],
  ];
  for (const [name, bytes, code, subcode] of wrong) {
    test(`${name} earns ${code}/${subcode}`, () => {
      assert.throws(
        () => new BgpReader().push(bytes),
        (error) => error instanceof BgpMessageError && error.code === code && error.subcode === subcode,
      );
    });
  }

  test('without capabilities a peer speaks IPv4 and two-byte AS numbers', () => {
    const [read] = new BgpReader().push(message(1, 4, 0xfd, 0xe8, 0, 90, 1, 1, 1, 1, 0));
    assert.deepEqual(read, {
      kind: 'open',
      open: { asn: 65_000, holdTime: 90, identifier: 0x01010101, families: [afi.ipv4], fourByteAs: false },
    });
  });

  test('any bytes: a message error or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, framed) => {
        const stream = framed ? message((bytes[0] ?? 0) % 6, ...bytes) : bytes;
        try {
          new BgpReader().push(stream);
        } catch (error) {
          assert.ok(error instanceof BgpMessageError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('BGP updates', () => {
  const rows: readonly (readonly [string, Uint8Array[], string])[] = [
    [
      'one IPv4 route',
      writeAnnouncements([{ address: Uint8Array.of(198, 51, 100, 10), length: 32 }], path),
      `0000 0014 400101 00 400206 0201 0000fde9 400304 c000020b 20c633640a`,
    ],
    [
      'inside an AS: empty path, preference',
      writeAnnouncements([{ address: Uint8Array.of(198, 51, 100, 0), length: 24 }], {
        ...path,
        ownAsn: undefined,
        localPreference: 150,
      }),
      `0000 0015 400101 00 400200 400304 c000020b 400504 00000096 18c63364`,
    ],
    [
      'a peer with two-byte numbers: AS_TRANS and AS4_PATH',
      writeAnnouncements([{ address: Uint8Array.of(10, 0, 0, 0), length: 8 }], {
        ...path,
        ownAsn: 4_200_000_001,
        fourByteAs: false,
      }),
      `0000 001b 400101 00 400204 0201 5ba0 400304 c000020b c01106 0201 fa56ea01 080a`,
    ],
    [
      'an IPv4 withdrawal',
      writeWithdrawals([{ address: Uint8Array.of(198, 51, 100, 10), length: 32 }], afi.ipv4),
      '0005 20c633640a 0000',
    ],
    [
      'an IPv6 withdrawal',
      writeWithdrawals([{ address: Uint8Array.of(0x20, 1, 0xd, 0xb8), length: 32 }], afi.ipv6),
      '0000 000b 800f08 0002 01 20 20010db8',
    ],
    ['the end of IPv4', [writeEndOfRib(afi.ipv4)], '0000 0000'],
    ['the end of IPv6', [writeEndOfRib(afi.ipv6)], '0000 0006 800f03 0002 01'],
  ];
  for (const [name, messages, expected] of rows) {
    test(name, () =>
      assert.deepEqual(
        messages.map((one) => hex(one).slice(38)),
        [expected.replaceAll(' ', '')],
      ),
    );
  }

  test('many routes are cut into messages that fit, and none is lost', () => {
    for (const family of [4, 6] as const) {
      const prefixes = Array.from({ length: 3000 }, (_, n) => {
        const address = new Uint8Array(family === 4 ? 4 : 16);
        address.set([10, n >> 8, n & 0xff, 1], address.length - 4);
        return { address, length: address.length * 8 };
      });
      const nextHop = new Uint8Array(family === 4 ? 4 : 16).fill(1);
      const sent = [
        ...writeAnnouncements(prefixes, { ...path, nextHop, communities: [[1, 2]] }),
        ...writeWithdrawals(prefixes, family === 4 ? afi.ipv4 : afi.ipv6),
      ];
      assert.ok(sent.every((one) => one.length <= BGP_MAX_BYTES));
      const all = Buffer.concat(sent).toString('latin1');
      for (const { address } of prefixes) {
        const text = Buffer.from(address).toString('latin1');
        assert.notEqual(all.indexOf(text), all.lastIndexOf(text), 'announced and withdrawn');
      }
      assert.equal(new BgpReader().push(Buffer.concat(sent)).length, sent.length);
    }
  });
});
