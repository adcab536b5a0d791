import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseHead } from './response-head.ts';

function parse(text: string, cuts: readonly number[], toHead: boolean): string {
  const head = new ResponseHead();
  head.reset();
  const bytes = Buffer.from(text, 'latin1');
  for (const cut of [...cuts, bytes.length]) {
    const result = head.parse(bytes, 0, cut);
    if (result < 0) return String(-result);
    if (result > 0)
      return `${head.status} ${head.framing(toHead)}${head.keepsAlive ? '' : ' close'} +${text.length - result}`;
  }
  return 'incomplete';
}

const ROWS: readonly (readonly [name: string, text: string, expected: string, toHead?: boolean])[] = [
  ['with length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', '200 length +5'],
  ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '200 chunked +0'],
  ['until close', 'HTTP/1.1 200 OK\r\n\r\nabc', '200 until-close +3'],
  ['no reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', '200 length +0'],
  ['no reason and no space', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', '200 length +0'],
  ['reason with UTF-8', 'HTTP/1.1 200 \xc3\x96K\r\nContent-Length: 0\r\n\r\n', '200 length +0'],
  ['close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', '200 length close +0'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', '200 length close +0'],
  ['HTTP/1.0 keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', '200 length +0'],
  ['204 with length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', '204 none +0'],
  ['304 with length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', '304 none +0'],
  ['100', 'HTTP/1.1 100 Continue\r\n\r\n', '100 none +0'],
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', '200 none +0', true],
  ['length and chunked', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', '502'],
  ['differing lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', '502'],
  ['unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', '502'],
  ['chunked on HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '502'],
  ['space before colon', 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n', '502'],
  ['folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n', '502'],
  ['bare LF', 'HTTP/1.1 200 OK\nX: a\r\n\r\n', '502'],
  ['two digits', 'HTTP/1.1 20 OK\r\n\r\n', '502'],
  ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n', '502'],
  ['status 99', 'HTTP/1.1 099 X\r\n\r\n', '502'],
  ['status 600', 'HTTP/1.1 600 X\r\n\r\n', '502'],
  ['HTTP/2 line', 'HTTP/2.0 200 OK\r\n\r\n', '502'],
  ['not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', '502'],
  ['empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n', '502'],
  ['NUL in reason', 'HTTP/1.1 200 O\0K\r\n\r\n', '502'],
  ['unfinished', 'HTTP/1.1 200 OK\r\nX', 'incomplete'],
];

test('response heads, whole and byte by byte', async (t) => {
  for (const [name, text, expected, toHead = false] of ROWS) {
    await t.test(name, () => {
      assert.equal(parse(text, [], toHead), expected);
      assert.equal(parse(text, [...Array(text.length).keys()], toHead), expected, 'byte by byte');
    });
  }
});

test('every byte at every place of a value is judged alike, however many are looked at together', () => {
  const head = new ResponseHead();
  for (let length = 1; length <= 11; length++) {
    for (let place = 0; place < length; place++) {
      for (let byte = 0; byte < 256; byte++) {
        const value = Buffer.alloc(length, 'v');
        value[place] = byte;
        const bytes = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nX: '), value, Buffer.from('\r\n\r\n')]);
        head.reset();
        const allowed = byte === 9 || (byte >= 32 && byte !== 127);
        assert.equal(
          head.parse(bytes, 0, bytes.length),
          allowed ? bytes.length : -502,
          `${byte} at ${place} of ${length}`,
        );
      }
    }
  }
});
