import * as h2 from '../../wire/http2/protocol.ts';
import { block, data, frame } from '../../wire/http2/test-rig/frames.ts';

/** One row: frames of a client on stream 1 → what becomes of the stream, and what an upstream of HTTP/1.1 saw of it. */
export interface DowngradeCase {
  /** Where the rule stands: `9113 8.2.1` is RFC 9113 section 8.2.1. */
  readonly rule: string;
  readonly name: string;
  readonly frames: Buffer;
  /** The status of its answer, or that the stream was reset. */
  readonly answer: number | 'reset';
  /** Complete requests that reach the upstream: `METHOD target`, then the decoded body in quotes. */
  readonly upstream: readonly string[];
  /** What may have reached it before the rule was broken: whole, and as it was declared. */
  readonly maybe?: string;
  /** Lines that the upstream must have seen. */
  readonly forwarded?: readonly string[];
  /** Text that must not reach the upstream. */
  readonly withheld?: readonly string[];
}

type Field = readonly [name: string, value: string];

/** Text that would be a request of its own behind a line that it ends. */
const EVIL = 'GET /evil HTTP/1.1\r\nHost: h\r\n\r\n';

/** HEADERS of a request for `/a`, with pseudo-header fields replaced and regular fields added. */
function head(pseudo: Readonly<Record<string, string | undefined>>, fields: readonly Field[], end: boolean): Buffer {
  const all: Readonly<Record<string, string | undefined>> = {
    ':method': end ? 'GET' : 'POST',
    ':scheme': 'http',
    ':path': '/a',
    ':authority': 'h',
    ...pseudo,
  };
  const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return frame(h2.HEADERS, h2.END_HEADERS | (end ? h2.END_STREAM : 0), 1, block(...given, ...fields));
}

const refused = (rule: string, name: string, frames: Buffer): DowngradeCase => ({
  rule,
  name,
  frames,
  answer: 'reset',
  upstream: [],
  withheld: ['evil'],
});
const malformed = (rule: string, name: string, ...fields: readonly Field[]): DowngradeCase =>
  refused(rule, name, head({}, fields, true));
const pseudo = (rule: string, name: string, replaced: Readonly<Record<string, string | undefined>>): DowngradeCase =>
  refused(rule, name, head(replaced, [], true));
const taken = (
  rule: string,
  name: string,
  frames: Buffer,
  upstream: readonly string[] = ['GET /a'],
  more: Partial<DowngradeCase> = {},
): DowngradeCase => ({ rule, name, frames, answer: 200, upstream, ...more });
const post = (fields: readonly Field[], ...content: readonly Buffer[]): Buffer =>
  Buffer.concat([head({}, fields, false), ...content]);
const trailers = (...fields: readonly Field[]): Buffer =>
  frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, block(...fields));

/** Requests of HTTP/2 that would be others in HTTP/1.1. */
export const DOWNGRADE_CASES: readonly DowngradeCase[] = [
  // Lines that end where they should not.
  malformed('9113 8.2.1', 'a value with CR LF and a request', ['x', `a\r\n\r\n${EVIL}`]),
  malformed('9113 8.2.1', 'a value with CR LF and a length', ['x', 'a\r\ncontent-length: 9']),
  malformed('9113 8.2.1', 'a value with LF', ['x', 'a\nevil: 1']),
  malformed('9113 8.2.1', 'a value with CR', ['x', 'a\revil: 1']),
  malformed('9113 8.2.1', 'a value with NUL', ['x', 'a\0evil']),
  malformed('9113 8.2.1', 'a value that begins with CR LF', ['x', '\r\nevil: 1']),
  malformed('9113 8.2.1', 'a value that is folded', ['x', 'a\r\n evil']),
  malformed('9113 8.2.1', 'a name with CR LF', ['x\r\nevil', '1']),
  malformed('9113 8.2.1', 'a name with a colon', ['x: evil', '1']),
  malformed('9113 8.2.1', 'a name with a blank', ['x evil', '1']),
  malformed('9113 8.2.1', 'a name with a trailing blank', ['transfer-encoding ', 'chunked']),
  malformed('9113 8.2.1', 'a name with NUL', ['x\0', '1']),
  malformed('9113 8.2', 'a name in upper case', ['Transfer-Encoding', 'chunked']),
  malformed('9113 8.2.1', 'a name of obs-text', ['tr\u00e4nsfer-encoding', 'chunked']),
  malformed('9113 8.2.1', 'an empty name', ['', 'evil']),
  malformed('9113 8.2.1', 'a cookie with CR LF', ['cookie', 'a=b\r\nevil: 1']),
  // The request line.
  pseudo('9113 8.3.1', ':method with a request line', { ':method': 'GET /evil HTTP/1.1\r\nx:' }),
  pseudo('9113 8.3.1', ':method with a blank', { ':method': 'GET /evil' }),
  pseudo('9113 8.3.1', ':method with CR LF', { ':method': 'GET\r\n' }),
  pseudo('9113 8.3.1', ':method empty', { ':method': '' }),
  pseudo('9113 8.3.1', ':path with a version', { ':path': '/evil HTTP/1.1\r\nx: y' }),
  pseudo('9113 8.3.1', ':path with a blank', { ':path': '/a evil' }),
  pseudo('9113 8.3.1', ':path with LF', { ':path': '/a\nevil' }),
  pseudo('9113 8.3.1', ':path with NUL', { ':path': '/a\0evil' }),
  pseudo('9113 8.3.1', ':path with a fragment', { ':path': '/a#evil' }),
  pseudo('9113 8.3.1', ':path that is a URL', { ':path': 'http://evil/a' }),
  pseudo('9113 8.3.1', ':path without a slash', { ':path': 'evil' }),
  pseudo('9113 8.3.1', ':path empty', { ':path': '' }),
  pseudo('9113 8.3.1', ':path *', { ':path': '*' }),
  pseudo('9113 8.3.1', ':scheme with CR LF', { ':scheme': 'http\r\nevil: 1' }),
  pseudo('9113 8.3.1', ':scheme with a slash', { ':scheme': 'http://evil/?' }),
  { ...pseudo('9113 8.3.1', ':scheme of another kind', { ':scheme': 'ftp' }), answer: 400 },
  // The host.
  pseudo('9113 8.3.1', ':authority with CR LF', { ':authority': 'h\r\nevil: 1' }),
  pseudo('9113 8.3.1', ':authority with a path', { ':authority': 'h/evil' }),
  pseudo('9113 8.3.1', ':authority with userinfo', { ':authority': 'evil@h' }),
  pseudo('9113 8.3.1', ':authority with a blank', { ':authority': 'h evil' }),
  pseudo('9113 8.3.1', 'neither :authority nor host', { ':authority': undefined }),
  malformed('9113 8.3.1', 'host other than :authority', ['host', 'evil']),
  malformed('9113 8.3.1', 'host twice', ['host', 'h'], ['host', 'h']),
  malformed('9113 8.3.1', 'host empty', ['host', '']),
  taken('9113 8.3.1', 'host like :authority is one line', head({}, [['host', 'H']], true), ['GET /a'], {
    forwarded: ['host: h'],
  }),
  taken('9113 8.3.1', 'host alone', head({ ':authority': undefined }, [['host', 'h']], true), ['GET /a'], {
    forwarded: ['host: h'],
  }),
  // Framing.
  malformed('9113 8.2.2', 'transfer-encoding', ['transfer-encoding', 'chunked']),
  refused(
    '9113 8.2.2',
    'transfer-encoding with content',
    post([['transfer-encoding', 'chunked']], data(1, `0\r\n\r\n${EVIL}`, true)),
  ),
  malformed('9113 8.2.2', 'transfer-encoding: identity', ['transfer-encoding', 'identity']),
  malformed('9113 8.2.2', 'connection: close', ['connection', 'close']),
  malformed('9113 8.2.2', 'connection that names Content-Length', ['connection', 'content-length']),
  malformed('9113 8.2.2', 'upgrade: h2c', ['upgrade', 'h2c']),
  malformed('9113 8.2.2', 'keep-alive', ['keep-alive', 'timeout=5']),
  malformed('9113 8.2.2', 'proxy-connection', ['proxy-connection', 'close']),
  malformed('9113 8.2.2', 'te: gzip', ['te', 'gzip']),
  taken('9113 8.2.2', 'te: trailers ends here', head({}, [['te', 'trailers']], true), ['GET /a'], {
    withheld: ['te: trailers'],
  }),
  refused('9113 8.1.1', 'less content than declared', post([['content-length', '50']], data(1, EVIL, true))),
  refused('9113 8.1.1', 'more content than declared', post([['content-length', '1']], data(1, `a${EVIL}`, true))),
  {
    ...refused(
      '9113 8.1.1',
      'more content than declared, later',
      post([['content-length', '1']], data(1, 'a', false), data(1, EVIL, true)),
    ),
    maybe: 'POST /a "a"',
  },
  {
    ...refused('9113 8.1.1', 'content where 0 is declared', post([['content-length', '0']], data(1, EVIL, true))),
    maybe: 'POST /a',
  },
  refused(
    '9113 8.1.1',
    'no content where some is declared',
    head({ ':method': 'POST' }, [['content-length', '50']], true),
  ),
  refused(
    '9110 8.6',
    'two lengths',
    post(
      [
        ['content-length', '1'],
        ['content-length', '40'],
      ],
      data(1, 'a', true),
    ),
  ),
  refused(
    '9110 8.6',
    'two equal lengths',
    post(
      [
        ['content-length', '1'],
        ['content-length', '1'],
      ],
      data(1, 'a', true),
    ),
  ),
  refused('9110 8.6', 'a list of lengths', post([['content-length', '1, 1']], data(1, 'a', true))),
  refused('9110 8.6', 'a length with a sign', post([['content-length', '+1']], data(1, 'a', true))),
  refused('9110 8.6', 'a length in hexadecimal', post([['content-length', '0x1']], data(1, 'a', true))),
  refused('9110 8.6', 'a length with a leading zero', post([['content-length', '01']], data(1, 'a', true))),
  refused('9110 8.6', 'a length beyond every number', post([['content-length', '9'.repeat(30)]], data(1, 'a', true))),
  taken(
    '9110 8.6',
    'the length that it has',
    post([['content-length', '3']], data(1, 'abc', true)),
    ['POST /a "abc"'],
    { forwarded: ['content-length: 3'] },
  ),
  taken(
    '9112 6.1',
    'content without a length becomes chunks',
    post([], data(1, EVIL, true)),
    [`POST /a ${JSON.stringify(EVIL)}`],
    { forwarded: ['transfer-encoding: chunked'] },
  ),
  taken('9112 7.1', 'content that looks like the last chunk', post([], data(1, `0\r\n\r\n${EVIL}`, true)), [
    `POST /a ${JSON.stringify(`0\r\n\r\n${EVIL}`)}`,
  ]),
  taken('9112 6.1', 'no content, no length: none is said of GET', head({}, [], true), ['GET /a'], {
    withheld: ['content-length', 'transfer-encoding'],
  }),
  taken('9110 8.6', 'no content of POST', head({ ':method': 'POST' }, [], true), ['POST /a'], {
    forwarded: ['content-length: 0'],
  }),
  taken('9110 10.1.1', 'expect ends here', post([['expect', '100-continue']], data(1, 'a', true)), ['POST /a "a"'], {
    withheld: ['expect'],
  }),
  // Trailers.
  refused(
    '9113 8.1',
    'trailers with a pseudo-header field',
    post([], data(1, 'a', false), trailers([':path', '/evil'])),
  ),
  refused('9113 8.1', 'trailers with CR LF', post([], data(1, 'a', false), trailers(['x', `a\r\n\r\n${EVIL}`]))),
  refused(
    '9113 8.1',
    'trailers with transfer-encoding',
    post([], data(1, 'a', false), trailers(['transfer-encoding', 'chunked'])),
  ),
  // What would change meaning on the way.
  taken(
    '9113 8.2.3',
    'cookies become one',
    head(
      {},
      [
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ],
      true,
    ),
    ['GET /a'],
    { forwarded: ['cookie: a=1; b=2'] },
  ),
  taken(
    'policy',
    'what a client says of itself is overwritten',
    head(
      {},
      [
        ['x-forwarded-for', 'evil'],
        ['x-real-ip', 'evil'],
      ],
      true,
    ),
    ['GET /a'],
    { withheld: ['evil'] },
  ),
  taken('9113 8.3.1', 'a method that nobody knows', head({ ':method': 'BREW' }, [], true), ['BREW /a']),
  {
    rule: '9110 9.3.6',
    name: 'CONNECT',
    frames: frame(h2.HEADERS, 5, 1, block([':method', 'CONNECT'], [':authority', 'h:80'])),
    answer: 501,
    upstream: [],
  },
  refused('8441 4', ':protocol without CONNECT', head({ ':protocol': 'websocket' }, [], true)),
  {
    ...refused(
      '8441 4',
      'a WebSocket with a length',
      head({ ':method': 'CONNECT', ':protocol': 'websocket' }, [['content-length', '9']], false),
    ),
    answer: 400,
  },
  {
    rule: '8441 4',
    name: 'a WebSocket that brings its own key and accept',
    frames: head({ ':method': 'CONNECT', ':protocol': 'websocket' }, [['sec-websocket-key', 'evil']], false),
    answer: 502,
    upstream: ['GET /a'],
    forwarded: ['upgrade: websocket'],
    withheld: ['evil'],
  },
  {
    ...refused('8441 4', 'another protocol', head({ ':method': 'CONNECT', ':protocol': 'evil' }, [], false)),
    answer: 501,
  },
];
