/** One row of the response corpus: bytes of an upstream → what the client gets, and both connections' fate. */
export interface ResponseCase {
  /** Where the rule stands, as in `RequestCase`. */
  readonly rule: string;
  readonly name: string;
  /** What the upstream answers `GET /a` (or `HEAD /a`) with, Latin-1. */
  readonly bytes: string;
  /** The upstream ends its side behind them. */
  readonly ends?: true;
  readonly request?: 'HEAD' | 'HTTP/1.0';
  /** Statuses that the client sees for it, interim ones included. */
  readonly answers: readonly number[];
  /** Decoded body as the client reads it; `cut` if the client can tell that it is not whole. */
  readonly body: string | 'cut';
  /** The next request of the client is answered on the same connection. */
  readonly client: 'stays' | 'closes';
  /** The upstream's connection serves the next request. */
  readonly upstream: 'reused' | 'dropped';
  /** Lines of the answer that the client must see, whatever the case of their names. */
  readonly forwarded?: readonly string[];
  readonly withheld?: readonly string[];
}

const BAD = { answers: [502], client: 'closes', upstream: 'dropped', body: 'Bad Gateway' } as const;
const bad = (rule: string, name: string, bytes: string): ResponseCase => ({ rule, name, bytes, ...BAD });
const GOOD = { answers: [200], client: 'stays', upstream: 'reused' } as const;
const good = (
  rule: string,
  name: string,
  bytes: string,
  body: string,
  more: Partial<ResponseCase> = {},
): ResponseCase => ({
  rule,
  name,
  bytes,
  body,
  ...GOOD,
  ...more,
});
const answer = (fields: string, body = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const CHUNKS = 'Transfer-Encoding: chunked\r\n';
const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

/** Answers of upstreams (RFC 9112 4 and 6, RFC 9110 15). */
export const RESPONSE_CASES: readonly ResponseCase[] = [
  // Status line.
  bad('9112 4', 'no status line', 'Content-Length: 0\r\n\r\n'),
  bad('9112 4', 'HTTP/0.9 text', 'hello\r\n\r\n'),
  bad('9112 4', 'two spaces before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 4', 'no status', 'HTTP/1.1 OK and more\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 4', 'status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 4', 'status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9110 15', 'status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9110 15', 'status 600', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 2.3', 'HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 2.3', 'lower-case name', 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 4', 'NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'),
  bad('9112 2.2', 'status line ended by LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'),
  bad('9112 2.2', 'bare CR in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n'),
  good('9112 4', 'no reason', 'HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx', 'x'),
  good('9112 4', 'no reason and no space', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 'x'),
  // Fields.
  bad('9112 5.1', 'space before a colon', answer('X : y\r\nContent-Length: 0\r\n')),
  bad('9112 5.2', 'folded line', answer('X: y\r\n z\r\nContent-Length: 0\r\n')),
  bad('9112 5.1', 'no colon', answer('X\r\nContent-Length: 0\r\n')),
  bad('9110 5.5', 'NUL in a value', answer('X: \0\r\nContent-Length: 0\r\n')),
  bad('9112 2.2', 'bare LF in a value', answer('X: y\nSet-Cookie: a=b\r\nContent-Length: 0\r\n')),
  bad('9112 2.2', 'bare CR in a value', answer('X: y\rSet-Cookie: a=b\r\nContent-Length: 0\r\n')),
  bad('limit', '101 fields', answer('X: y\r\n'.repeat(101))),
  bad('limit', 'head of 62,000 bytes', answer(`X: ${'y'.repeat(62_000)}\r\nContent-Length: 0\r\n`)),
  good(
    '9110 7.6.1',
    'hop-by-hop fields stay here',
    answer('Connection: x-one\r\nX-One: 1\r\nKeep-Alive: timeout=9\r\nContent-Length: 0\r\n'),
    '',
    {
      withheld: ['x-one', 'keep-alive'],
    },
  ),
  good('9110 5.3', 'cookies stay apart', answer('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n'), '', {
    forwarded: ['set-cookie: a=1', 'set-cookie: b=2'],
  }),
  // Framing.
  bad('9112 6.3', 'two lengths that differ', answer('Content-Length: 1\r\nContent-Length: 2\r\n', 'x')),
  bad('policy', 'two equal lengths', answer('Content-Length: 1\r\nContent-Length: 1\r\n', 'x')),
  bad('9112 6.3', 'negative length', answer('Content-Length: -1\r\n')),
  bad('9112 6.1', 'length and chunked', answer(`Content-Length: 1\r\n${CHUNKS}`, '0\r\n\r\n')),
  bad('9112 6.1', 'unknown coding', answer('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')),
  bad('9112 6.3', 'chunked is not the last coding', answer('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n')),
  bad('9112 6.1', 'chunked on HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKS}\r\n0\r\n\r\n`),
  good('9112 6.3', 'length', answer('Content-Length: 4\r\n', 'body'), 'body'),
  good('9112 6.3', 'chunked', answer(CHUNKS, '4\r\nbody\r\n0\r\n\r\n'), 'body'),
  good('9112 7.1.1', 'chunk extensions are dropped', answer(CHUNKS, '4;a=b\r\nbody\r\n0;c\r\n\r\n'), 'body', {
    withheld: ['a=b'],
  }),
  good('9112 7.1.2', 'a trailer is passed on', answer(CHUNKS, '4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n'), 'body', {
    forwarded: ['x-sum: 1'],
  }),
  good(
    '9110 6.5.1',
    'a trailer cannot set a cookie',
    answer(CHUNKS, '4\r\nbody\r\n0\r\nSet-Cookie: a=b\r\n\r\n'),
    'body',
    {
      withheld: ['set-cookie'],
    },
  ),
  good('9112 6.3', 'body until the end', answer('', 'body'), 'body', { ends: true, upstream: 'dropped' }),
  good('9112 9.3', 'HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody', 'body', { upstream: 'dropped' }),
  good(
    '9112 9.3',
    'HTTP/1.0 with keep-alive',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody',
    'body',
  ),
  good('9112 9.6', 'close', answer('Connection: close\r\nContent-Length: 4\r\n', 'body'), 'body', {
    upstream: 'dropped',
  }),
  good('9112 6.3', 'another answer behind it', answer('Content-Length: 4\r\n', `body${NEXT}`), 'body', {
    upstream: 'dropped',
  }),
  good('9112 6.3', 'another answer behind the last chunk', answer(CHUNKS, `0\r\n\r\n${NEXT}`), '', {
    upstream: 'dropped',
  }),
  // Bodies that are not whole.
  good('9112 8', 'ends before its length', answer('Content-Length: 9\r\n', 'body'), 'cut', {
    ends: true,
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 8', 'ends between chunks', answer(CHUNKS, '4\r\nbody\r\n'), 'cut', {
    ends: true,
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 8', 'ends in the trailers', answer(CHUNKS, '4\r\nbody\r\n0\r\nX: y\r\n'), 'cut', {
    ends: true,
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 7.1', 'broken chunk size', answer(CHUNKS, '4\r\nbody\r\nzz\r\n'), 'cut', {
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 7.1', 'chunk longer than its size', answer(CHUNKS, '2\r\nbody\r\n0\r\n\r\n'), 'cut', {
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 7.1', 'chunk ended by LF', answer(CHUNKS, '4\r\nbody\n0\r\n\r\n'), 'cut', {
    client: 'closes',
    upstream: 'dropped',
  }),
  good('9112 5.2', 'folded trailer', answer(CHUNKS, '4\r\nbody\r\n0\r\nX: y\r\n z\r\n\r\n'), 'cut', {
    client: 'closes',
    upstream: 'dropped',
  }),
  // No body at all.
  good('9110 15.3.5', '204', 'HTTP/1.1 204 No Content\r\n\r\n', '', { answers: [204] }),
  good('9110 15.3.5', '204 with a body', `HTTP/1.1 204 No Content\r\n\r\n${NEXT}`, '', {
    answers: [204],
    upstream: 'dropped',
  }),
  good(
    '9110 15.4.5',
    '304 tells the length of another answer',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    '',
    { answers: [304] },
  ),
  good('9110 15.4.5', '304 tells chunks', `HTTP/1.1 304 Not Modified\r\n${CHUNKS}\r\n`, '', { answers: [304] }),
  good('9110 9.3.2', 'HEAD with a length', answer('Content-Length: 9\r\n'), '', {
    request: 'HEAD',
    forwarded: ['content-length: 9'],
  }),
  good('9110 9.3.2', 'HEAD with chunks', answer(CHUNKS), '', { request: 'HEAD' }),
  good('9110 9.3.2', 'HEAD with a body', answer('Content-Length: 4\r\n', 'body'), '', {
    request: 'HEAD',
    upstream: 'dropped',
  }),
  // Interim answers.
  good(
    '9110 15.2',
    '100 before the answer',
    `HTTP/1.1 100 Continue\r\n\r\n${answer('Content-Length: 4\r\n', 'body')}`,
    'body',
    { answers: [100, 200] },
  ),
  good(
    '8297 2',
    '103 with fields',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('Content-Length: 4\r\n', 'body')}`,
    'body',
    {
      answers: [103, 200],
      forwarded: ['link: </a>'],
    },
  ),
  good(
    '9110 15.2',
    'three interim answers',
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(3)}${answer('Content-Length: 0\r\n')}`,
    '',
    {
      answers: [102, 102, 102, 200],
    },
  ),
  good(
    '9110 15.2',
    'HTTP/1.0 gets no interim answer',
    `HTTP/1.1 103 Early Hints\r\n\r\n${answer('Content-Length: 4\r\n', 'body')}`,
    'body',
    {
      request: 'HTTP/1.0',
      client: 'closes',
    },
  ),
  bad(
    '9110 15.2.2',
    '101 that nobody asked for',
    `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${NEXT}`,
  ),
  bad('9110 15.2', 'broken interim answer', `HTTP/1.1 103 Early\nHints\r\n\r\n${answer('Content-Length: 0\r\n')}`),
  // HTTP/1.0 clients.
  good('9112 7.1', 'HTTP/1.0 gets no chunks', answer(CHUNKS, '4\r\nbody\r\n0\r\n\r\n'), 'body', {
    request: 'HTTP/1.0',
    client: 'closes',
    withheld: ['transfer-encoding'],
  }),
];
