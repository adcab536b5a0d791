import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParsedQuery } from '../../wire/dns/query.ts';
import { ServerCookies } from './server-cookie.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const sockaddr = (address: readonly number[]): Uint8Array =>
  address.length === 4 ? Uint8Array.of(2, 0, 0, 53, ...address) : Uint8Array.of(10, 0, 0, 53, 0, 0, 0, 0, ...address);

function queryWith(cookie: Uint8Array): ParsedQuery {
  const query = new ParsedQuery();
  query.cookieAt = 4;
  query.cookieBytes = cookie.length;
  return query;
}

test('cookies are those of RFC 9018 appendix A', () => {
  const secret = hex('e5e973e5a6b2a43f48e7dc849e37bfcf');
  const client = hex('2464c4abcf10c957');
  const message = Uint8Array.of(0, 0, 0, 0, ...client);
  const output = new Uint8Array(24);
  const peer = sockaddr([198, 51, 100, 100]);
  new ServerCookies(secret).write(message, queryWith(client), peer, 0, 1559731985, output, 0);
  assert.equal(Buffer.from(output).toString('hex'), '2464c4abcf10c957010000005cf79f111f8130c3eee29480');
});

test('a cookie is valid for its client, for an hour, unchanged', () => {
  const cookies = new ServerCookies(hex('00112233445566778899aabbccddeeff'));
  const peer = sockaddr([10, 0, 0, 1]);
  const given = new Uint8Array(28);
  cookies.write(
    Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
    queryWith(new Uint8Array(8)),
    peer,
    0,
    1e9,
    given,
    4,
  );
  const query = queryWith(given.subarray(4));
  const rows: readonly (readonly [string, Uint8Array, Uint8Array, number, boolean])[] = [
    ['at once', given, peer, 1e9, true],
    ['after an hour', given, peer, 1e9 + 3600, true],
    ['later', given, peer, 1e9 + 3601, false],
    ['a little before its time', given, peer, 1e9 - 300, true],
    ['long before its time', given, peer, 1e9 - 301, false],
    ['another address', given, sockaddr([10, 0, 0, 2]), 1e9, false],
    ['another family', given, sockaddr(Array.from({ length: 16 }, () => 1)), 1e9, false],
    ...Array.from({ length: 24 }, (_, index) => {
      const changed = given.slice();
      changed[4 + index]! ^= 1;
      // A changed time stamp is within its bounds, but no longer what was signed; reserved bytes are signed, too.
      return [`byte ${index} changed`, changed, peer, 1e9, false] as const;
    }),
  ];
  for (const [title, message, from, now, expected] of rows) {
    assert.equal(cookies.isValid(message, query, from, 0, now), expected, title);
  }
});
