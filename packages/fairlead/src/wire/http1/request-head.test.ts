import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS_MAX, HEAD_MAX_BYTES } from './message-head.ts';
import { RequestHead } from './request-head.ts';

/** Outcome of parsing: what was accepted, or the status. */
function outcome(head: RequestHead, result: number, text: string): string {
  if (result < 0) return String(-result);
  if (result === 0) return 'incomplete';
  const at = (start: number, end: number): string => text.slice(start, end);
  const framing = head.isChunked ? 'chunked' : head.contentLength >= 0 ? `${head.contentLength}` : 'none';
  const fields = [...Array(head.fieldCount).keys()].map((i) => {
    const name = at(head.nameStart(i) - head.base, head.nameEnd(i) - head.base);
    return `${head.dropped[i] === 1 ? '-' : ''}${name}=${at(head.valueStart(i) - head.base, head.valueEnd(i) - head.base)}`;
  });
  return `${at(head.methodStart, head.methodEnd)} ${at(head.pathStart, head.pathEnd)} 1.${head.minorVersion} host=${at(head.hostStart, head.hostEnd)} ${framing} ${fields.join('|')} +${text.length - result}`;
}

function parseWhole(text: string): string {
  const head = new RequestHead();
  head.reset();
  const bytes = Buffer.from(text, 'latin1');
  return outcome(head, head.parse(bytes, 0, bytes.length), text);
}

/** Feeds prefixes of growing length, each copied elsewhere with rubbish behind it, as the reactor does. */
function parseInSteps(text: string, cuts: readonly number[]): string {
  const head = new RequestHead();
  head.reset();
  const bytes = Buffer.from(text, 'latin1');
  for (const [round, cut] of [...cuts, bytes.length].entries()) {
    const base = 7 + (round % 5);
    const buffer = Buffer.alloc(base + cut + 40, '\r\n');
    bytes.copy(buffer, base, 0, cut);
    const result = head.parse(buffer, base, base + cut);
    if (result !== 0 || cut === bytes.length) return outcome(head, result, text);
  }
  return 'incomplete';
}

const H = 'Host: a\r\n';
const get = (fields: string, line = 'GET / HTTP/1.1'): string => `${line}\r\n${fields}\r\n`;
const long = (length: number): string => 'x'.repeat(length);

/** Name, bytes, expected status (or `ok` and what must be in the outcome). */
const ROWS: readonly (readonly [name: string, text: string, expected: string])[] = [
  ['plain GET', get(H), 'ok GET / 1.1 host=a none Host=a +0'],
  ['next request behind', `${get(H)}GET`, 'ok +3'],
  ['query', get(H, 'GET /p?q=/../ HTTP/1.1'), 'ok GET /p 1.1'],
  ['empty line before', `\r\n${get(H)}`, 'ok GET / 1.1'],
  ['four empty lines before', `\r\n\r\n\r\n\r\n${get(H)}`, 'ok GET / 1.1'],
  ['five empty lines before', `\r\n\r\n\r\n\r\n\r\n${get(H)}`, '400'],
  ['bare LF before', `\n${get(H)}`, '400'],
  ['HTTP/1.0 without Host', get('', 'GET / HTTP/1.0'), 'ok GET / 1.0 host= none'],
  ['HTTP/1.2 is read as 1.1', get(H, 'GET / HTTP/1.2'), 'ok GET / 1.1'],
  ['HTTP/0.9', 'GET /\r\n', '400'],
  ['HTTP/0.9 with more', `GET /\r\n${H}\r\n`, '400'],
  ['HTTP/2 line', get(H, 'GET / HTTP/2.0'), '505'],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '505'],
  ['version lower-case', get(H, 'GET / http/1.1'), '400'],
  ['version two digits', get(H, 'GET / HTTP/1.10'), '400'],
  ['version without dot', get(H, 'GET / HTTP/11'), '400'],
  ['version letters', get(H, 'GET / HTTP/1.x'), '400'],
  ['space behind version', get(H, 'GET / HTTP/1.1 '), '400'],
  ['two spaces before target', get(H, 'GET  / HTTP/1.1'), '400'],
  ['two spaces behind target', get(H, 'GET /  HTTP/1.1'), '400'],
  ['tab before target', get(H, 'GET\t/ HTTP/1.1'), '400'],
  ['leading space', get(H, ' GET / HTTP/1.1'), '400'],
  ['space in target', get(H, 'GET /a b HTTP/1.1'), '400'],
  ['no target', get(H, 'GET HTTP/1.1'), '400'],
  ['no method', get(H, '/ HTTP/1.1'), '400'],
  ['method with colon', get(H, 'GE:T / HTTP/1.1'), '400'],
  ['unknown method', get(H, 'BREW /pot HTTP/1.1'), 'ok BREW /pot'],
  ['lower-case get is another method', get(H, 'get / HTTP/1.1'), 'ok get /'],
  ['method too long', get(H, `${long(33)} / HTTP/1.1`), '501'],
  ['CONNECT', get('Host: a:443\r\n', 'CONNECT a:443 HTTP/1.1'), '501'],
  ['fragment in target', get(H, 'GET /a#b HTTP/1.1'), '400'],
  ['backslash in target', get(H, 'GET /a\\..\\b HTTP/1.1'), '400'],
  ['NUL in target', get(H, 'GET /a\0b HTTP/1.1'), '400'],
  ['CR in target', get(H, 'GET /a\rb HTTP/1.1'), '400'],
  ['DEL in target', get(H, 'GET /a\x7f HTTP/1.1'), '400'],
  ['UTF-8 in target', get(H, 'GET /\xc3\xa4 HTTP/1.1'), '400'],
  ['target without slash', get(H, 'GET index.html HTTP/1.1'), '400'],
  ['asterisk with OPTIONS', get(H, 'OPTIONS * HTTP/1.1'), 'ok OPTIONS *'],
  ['asterisk with GET', get(H, 'GET * HTTP/1.1'), '400'],
  ['absolute form', get(H, 'GET http://a/p?q HTTP/1.1'), 'ok GET /p 1.1 host=a'],
  ['absolute form, other case', get('Host: Shop.Example\r\n', 'GET HTTP://shop.example/ HTTP/1.1'), 'ok GET /'],
  ['absolute form without path', get(H, 'GET http://a HTTP/1.1'), 'ok GET  1.1'],
  ['absolute form against Host', get(H, 'GET http://b/ HTTP/1.1'), '400'],
  ['absolute form with user', get(H, 'GET http://u@a/ HTTP/1.1'), '400'],
  ['absolute form, empty authority', get(H, 'GET http:///x HTTP/1.1'), '400'],
  ['absolute form, other scheme', get(H, 'GET ftp://a/ HTTP/1.1'), '400'],
  ['no Host', get('Accept: x\r\n'), '400'],
  ['two Hosts', get(`${H}Host: b\r\n`), '400'],
  ['two equal Hosts', get(`${H}${H}`), '400'],
  ['empty Host', get('Host:\r\n'), '400'],
  ['Host with slash', get('Host: a/b\r\n'), '400'],
  ['Host with user', get('Host: u@a\r\n'), '400'],
  ['Host with space', get('Host: a b\r\n'), '400'],
  ['Host with comma list', get('Host: a, b\r\n'), '400'],
  ['Host with query', get('Host: a?b\r\n'), '400'],
  ['Host with port', get('Host: a:8080\r\n'), 'ok host=a none'],
  ['Host with empty port', get('Host: a:\r\n'), 'ok host=a none'],
  ['Host with letters as port', get('Host: a:8o\r\n'), '400'],
  ['Host with two ports', get('Host: a:1:2\r\n'), '400'],
  ['Host with port only', get('Host: :80\r\n'), '400'],
  ['Host with long port', get('Host: a:808080\r\n'), '400'],
  ['Host IPv6', get('Host: [::1]:80\r\n'), 'ok host=[::1] none'],
  ['Host IPv6 unclosed', get('Host: [::1\r\n'), '400'],
  ['Host IPv6 with tail', get('Host: [::1]x\r\n'), '400'],
  ['Host closing bracket only', get('Host: a]\r\n'), '400'],
  ['Host with trailing dot', get('Host: shop.example.\r\n'), 'ok host=shop.example none'],
  ['Content-Length', get(`${H}Content-Length: 12\r\n`), 'ok 12 Host=a|Content-Length=12'],
  ['Content-Length zero', get(`${H}Content-Length: 0\r\n`), 'ok host=a 0 '],
  ['Content-Length twice', get(`${H}Content-Length: 1\r\nContent-Length: 2\r\n`), '400'],
  ['Content-Length twice, equal', get(`${H}Content-Length: 1\r\nContent-Length: 1\r\n`), '400'],
  ['Content-Length list', get(`${H}Content-Length: 1, 1\r\n`), '400'],
  ['Content-Length empty', get(`${H}Content-Length:\r\n`), '400'],
  ['Content-Length plus', get(`${H}Content-Length: +5\r\n`), '400'],
  ['Content-Length minus', get(`${H}Content-Length: -5\r\n`), '400'],
  ['Content-Length hex', get(`${H}Content-Length: 0x5\r\n`), '400'],
  ['Content-Length leading zero', get(`${H}Content-Length: 03\r\n`), '400'],
  ['Content-Length with space inside', get(`${H}Content-Length: 1 2\r\n`), '400'],
  ['Content-Length decimal', get(`${H}Content-Length: 5.0\r\n`), '400'],
  ['Content-Length too long', get(`${H}Content-Length: 1234567890123456\r\n`), '400'],
  ['Content-Length quoted', get(`${H}Content-Length: "5"\r\n`), '400'],
  ['chunked', get(`${H}Transfer-Encoding: chunked\r\n`), 'ok chunked Host=a|-Transfer-Encoding=chunked'],
  ['chunked, other case', get(`${H}transfer-encoding: ChunkeD\r\n`), 'ok chunked'],
  ['chunked and Content-Length', get(`${H}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`), '400'],
  ['Content-Length behind chunked', get(`${H}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n`), '400'],
  ['chunked twice', get(`${H}Transfer-Encoding: chunked, chunked\r\n`), '400'],
  ['chunked on two lines', get(`${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`), '400'],
  ['gzip, chunked', get(`${H}Transfer-Encoding: gzip, chunked\r\n`), '501'],
  ['gzip and chunked on two lines', get(`${H}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n`), '501'],
  ['chunked, gzip', get(`${H}Transfer-Encoding: chunked, gzip\r\n`), '400'],
  ['chunked, identity', get(`${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n`), '400'],
  ['identity', get(`${H}Transfer-Encoding: identity\r\n`), '400'],
  ['xchunked', get(`${H}Transfer-Encoding: xchunked\r\n`), '400'],
  ['chunked with parameter', get(`${H}Transfer-Encoding: chunked;q=1\r\n`), '400'],
  ['chunked in quotes', get(`${H}Transfer-Encoding: "chunked"\r\n`), '400'],
  ['Transfer-Encoding empty', get(`${H}Transfer-Encoding:\r\n`), '400'],
  ['vertical tab before chunked', get(`${H}Transfer-Encoding: \x0bchunked\r\n`), '400'],
  ['chunked on HTTP/1.0', get(`${H}Transfer-Encoding: chunked\r\n`, 'POST / HTTP/1.0'), '400'],
  ['space before colon', get(`${H}Content-Length : 5\r\n`), '400'],
  ['tab before colon', get(`${H}X\t: 5\r\n`), '400'],
  ['no colon', get(`${H}Garbage\r\n`), '400'],
  ['empty name', get(`${H}: x\r\n`), '400'],
  ['folded line', get(`${H}X: a\r\n b\r\n`), '400'],
  ['folded line with tab', get(`${H}X: a\r\n\tb\r\n`), '400'],
  ['space before first field', get(` X: a\r\n${H}`), '400'],
  ['bare LF ends a field', get(`${H}X: a\nY: b\r\n`), '400'],
  ['bare LF ends the head', `GET / HTTP/1.1\r\n${H}\n`, '400'],
  ['bare LF ends the line', `GET / HTTP/1.1\n${H}\r\n`, '400'],
  ['bare CR in value', get(`${H}X: a\rb\r\n`), '400'],
  ['CR CR LF', get(`${H}X: a\r\r\n`), '400'],
  ['bare CR as empty line', `GET / HTTP/1.1\r\n${H}\rX\r\n\r\n`, '400'],
  ['NUL in value', get(`${H}X: a\0b\r\n`), '400'],
  ['NUL in name', get(`${H}X\0: a\r\n`), '400'],
  ['control in value', get(`${H}X: a\x01\r\n`), '400'],
  ['DEL in value', get(`${H}X: a\x7f\r\n`), '400'],
  ['UTF-8 in value', get(`${H}X: \xc3\xa4\r\n`), 'ok X=\xc3\xa4'],
  ['UTF-8 in name', get(`${H}\xc3\xa4: a\r\n`), '400'],
  ['parenthesis in name', get(`${H}X(y): a\r\n`), '400'],
  ['slash in name', get(`${H}X/y: a\r\n`), '400'],
  ['whitespace around value', get(`${H}X: \t a b \t\r\n`), 'ok X=a b'],
  ['empty value', get(`${H}X:\r\n`), 'ok X= '],
  ['Connection names a field', get(`${H}Connection: x-one, close\r\nX-One: 1\r\nX-Two: 2\r\n`), 'ok -X-One=1|X-Two=2'],
  ['Connection before its field', get(`${H}X-One: 1\r\nConnection: X-ONE\r\n`), 'ok -X-One=1'],
  ['Connection cannot name Host', get(`${H}Connection: host\r\n`), 'ok Host=a|'],
  [
    'Connection cannot name Content-Length',
    get(`${H}Content-Length: 3\r\nConnection: content-length\r\n`),
    'ok |Content-Length=3|',
  ],
  [
    'hop-by-hop fields',
    get(`${H}Keep-Alive: 1\r\nTE: x\r\nProxy-Connection: y\r\nUpgrade: z\r\n`),
    'ok Host=a|-Keep-Alive=1|-TE=x|-Proxy-Connection=y|-Upgrade=z',
  ],
  ['most fields', get(H + 'X: 1\r\n'.repeat(FIELDS_MAX - 1)), 'ok +0'],
  ['one field too many', get(H + 'X: 1\r\n'.repeat(FIELDS_MAX)), '431'],
  ['head too long', get(`${H}X: ${long(HEAD_MAX_BYTES)}\r\n`), '431'],
  ['head too long in many fields', get(H + `X: ${long(3000)}\r\n`.repeat(21)), '431'],
  ['head too long, and broken', get(`${H}X\0: ${long(HEAD_MAX_BYTES)}\r\n`), '431'],
  ['line too long', get(H, `GET /${long(HEAD_MAX_BYTES)} HTTP/1.1`), '414'],
  ['exactly the longest head', get(`${H}X: ${long(HEAD_MAX_BYTES - 16 - 9 - 5 - 2)}\r\n`), 'ok +0'],
  ['unfinished', 'GET / HTTP/1.1\r\nHost', 'incomplete'],
  ['unfinished and wrong so far', 'GET  /', 'incomplete'],
];

test('request heads, one row per rule', async (t) => {
  assert.ok(ROWS.length >= 80);
  assert.equal(new Set(ROWS.map(([name]) => name)).size, ROWS.length);
  for (const [name, text, expected] of ROWS) {
    await t.test(name, () => {
      const got = parseWhole(text);
      if (expected.startsWith('ok')) assert.ok(`${got} `.includes(expected.slice(3)), got);
      else assert.equal(got, expected);
    });
  }
});

test('the outcome is the same however the bytes are split', () => {
  for (const [name, text] of ROWS) {
    const whole = parseWhole(text);
    const every = text.length < 2000 ? 1 : 997;
    const cuts = [...Array(text.length).keys()].filter((cut) => cut > 0 && cut % every === 0);
    assert.equal(parseInSteps(text, cuts), whole, `${name}, byte by byte`);
    for (const cut of cuts.filter((value) => value < 200)) {
      assert.equal(parseInSteps(text, [cut]), whole, `${name}, cut at ${cut}`);
    }
  }
});

test('random damage never changes with the split', () => {
  let state = 20261121;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const seeds = ROWS.map(([, text]) => text).filter((text) => text.length < 300);
  const marks = ['\r', '\n', '\r\n', ' ', '\t', ':', '\0', ',', 'chunked', 'Content-Length: 1\r\n', '\r\n\r\n', 'x'];
  for (let round = 0; round < 4000; round++) {
    let text = seeds[random(seeds.length)]!;
    for (let edits = random(4); edits >= 0; edits--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + marks[random(marks.length)] + text.slice(at + random(3));
    }
    const cuts = [...new Set([random(text.length + 1), random(text.length + 1), random(text.length + 1)])].sort(
      (a, b) => a - b,
    );
    assert.equal(parseInSteps(text, cuts), parseWhole(text), JSON.stringify([text, cuts]));
  }
});
