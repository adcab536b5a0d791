import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder, writeChunkSize } from './chunked.ts';

/** Decodes in pieces; `data|trailers|unread`, `error` or `more DATA`. */
function decode(text: string, cuts: readonly number[]): string {
  const decoder = new ChunkedDecoder();
  const bytes = Buffer.from(text, 'latin1');
  let data = '';
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    let at = from;
    from = to;
    for (;;) {
      const event = decoder.next(bytes, at, to);
      at = decoder.position;
      if (event === CHUNK_DATA) data += bytes.toString('latin1', decoder.dataStart, decoder.dataEnd);
      else if (event === CHUNK_END) return `${data}|${decoder.trailers.toString('latin1')}|${text.slice(at)}`;
      else if (event === CHUNK_ERROR) return 'error';
      else break;
    }
  }
  return `more ${data}`;
}

const ROWS: readonly (readonly [name: string, text: string, expected: string])[] = [
  ['two chunks', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', 'hello world||'],
  ['next request behind', '1\r\nx\r\n0\r\n\r\nGET', 'x||GET'],
  ['hexadecimal, both cases', 'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789||'],
  ['leading zeros', '0003\r\nabc\r\n000\r\n\r\n', 'abc||'],
  ['extension dropped', '3;a=b;c="d"\r\nabc\r\n0;x\r\n\r\n', 'abc||'],
  ['trailers', '0\r\nX-Sum: 1\r\nY: 2\r\n\r\n', '|X-Sum: 1\r\nY: 2\r\n|'],
  [
    'forbidden trailers dropped',
    '0\r\nContent-Length: 5\r\nHost: b\r\nX: 1\r\nTransfer-Encoding: x\r\nAuthorization: y\r\n\r\n',
    '|X: 1\r\n|',
  ],
  ['unfinished', '5\r\nhel', 'more hel'],
  ['empty size', '\r\nhello', 'error'],
  ['minus', '-5\r\nhello\r\n', 'error'],
  ['plus', '+5\r\nhello\r\n', 'error'],
  ['0x', '0x5\r\nhello\r\n', 'error'],
  ['space before size', ' 5\r\nhello\r\n', 'error'],
  ['space behind size', '5 \r\nhello\r\n', 'error'],
  ['space before extension', '5 ;a\r\nhello\r\n', 'error'],
  ['letter behind size', '5g\r\nhello\r\n', 'error'],
  ['underscore', '1_0\r\n', 'error'],
  ['size overflow', 'fffffffffffffffff\r\n', 'error'],
  ['fourteen digits', '00000000000001\r\n', 'error'],
  ['bare LF behind size', '5\nhello\r\n', 'error'],
  ['bare CR behind size', '5\rhello', 'error'],
  ['bare LF in extension', '5;a\nhello\r\n', 'error'],
  ['NUL in extension', '5;\0\r\nhello\r\n', 'error'],
  ['extension too long', `5;${'x'.repeat(300)}\r\nhello\r\n`, 'error'],
  ['data longer than its size', '5\r\nhelloo\r\n0\r\n\r\n', 'error'],
  ['data without CRLF', '5\r\nhello0\r\n\r\n', 'error'],
  ['data ended by LF', '5\r\nhello\n0\r\n\r\n', 'error'],
  ['bare LF behind trailer', '0\r\nX: 1\n\r\n', 'error'],
  ['bare LF as end', '0\r\n\n', 'more '],
  ['folded trailer', '0\r\nX: 1\r\n y\r\n\r\n', 'error'],
  ['space before colon in trailer', '0\r\nX : 1\r\n\r\n', 'error'],
  ['NUL in trailer', '0\r\nX: \0\r\n\r\n', 'error'],
  ['trailers too long', `0\r\n${'X: 1234567\r\n'.repeat(800)}\r\n`, 'error'],
];

test('chunked bodies, one row per rule', async (t) => {
  for (const [name, text, expected] of ROWS) {
    await t.test(name, () => {
      assert.equal(decode(text, []), expected);
      if (text.length > 1000) return;
      assert.equal(decode(text, [...Array(text.length).keys()]), expected, 'byte by byte');
      for (let cut = 1; cut < text.length; cut++) assert.equal(decode(text, [cut]), expected, `cut at ${cut}`);
    });
  }
});

test('sizes are written as they are read', () => {
  const to = new Uint8Array(20);
  for (const size of [1, 15, 16, 255, 256, 65535, 65536, 2 ** 31, 2 ** 40 + 5]) {
    const end = writeChunkSize(to, 2, size);
    assert.equal(Buffer.from(to.subarray(2, end)).toString('latin1'), `${size.toString(16)}\r\n`);
  }
});
