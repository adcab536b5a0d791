import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from './test-rig/gateway-rig.ts';

/**
 * Bytes → status, fate of the connection, what the upstream saw. Every row ends with a second,
 * forbidden request: if framing is read differently anywhere, `/evil` reaches the upstream.
 */
interface Row {
  readonly name: string;
  readonly text: string;
  /** Statuses of all answers on the connection. */
  readonly answers: readonly number[];
  /** Request lines that the upstream saw. */
  readonly upstream: readonly string[];
}

const H = 'Host: h\r\n';
const EVIL = 'GET /evil HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const post = (fields: string, body: string): string => `POST /a HTTP/1.1\r\n${H}${fields}\r\n${body}`;
const refused = (name: string, text: string, status = 400): Row => ({
  name,
  text: text + EVIL,
  answers: [status],
  upstream: [],
});
/** The head is fine, the body is not: the upstream may see the request begin, but nothing behind it. */
const broken = (name: string, body: string): Row => ({
  name,
  text: post('Transfer-Encoding: chunked\r\n', body) + EVIL,
  answers: [400],
  upstream: [],
});

const ROWS: readonly Row[] = [
  // Framing by two rulers.
  refused('CL.TE', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  refused('TE.CL', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n')),
  refused('TE.TE, second unknown', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', '0\r\n\r\n')),
  refused('TE.TE, first unknown', post('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501),
  refused('TE with space before colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n')),
  refused('TE with leading space', post('X: y\r\n Transfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  refused('TE behind vertical tab', post('Transfer-Encoding:\x0bchunked\r\n', '0\r\n\r\n')),
  refused('TE behind NUL', post('Transfer-Encoding: \0chunked\r\n', '0\r\n\r\n')),
  refused('TE in quotes', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n')),
  refused('TE folded', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')),
  refused('TE behind bare LF', post('X: y\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  refused('TE behind bare CR', post('X: y\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  refused('TE identity with CL', post('Transfer-Encoding: identity\r\nContent-Length: 1\r\n', 'x')),
  refused('TE on HTTP/1.0', `POST /a HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused('CL.CL, differing', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'x')),
  refused('CL.CL, equal', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'x')),
  refused('CL list', post('Content-Length: 1, 1\r\n', 'x')),
  refused('CL plus', post('Content-Length: +1\r\n', 'x')),
  refused('CL hex', post('Content-Length: 0x1\r\n', 'x')),
  refused('CL octal', post('Content-Length: 01\r\n', 'x')),
  refused('CL negative', post('Content-Length: -1\r\n', '')),
  refused('CL with space', post('Content-Length: 1 \x0b\r\n', 'x')),
  refused('CL with space before colon', post('Content-Length : 1\r\n', 'x')),
  refused('CL huge', post('Content-Length: 99999999999999999999\r\n', 'x')),
  refused('CL empty', post('Content-Length: \r\n', '')),
  // Request line.
  refused('HTTP/0.9', 'GET /a\r\n'),
  refused('two requests in one line', 'GET /a HTTP/1.1 GET /evil HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('CR in target', `GET /a\rX: y HTTP/1.1\r\n${H}\r\n`),
  refused('tab as separator', `GET\t/a HTTP/1.1\r\n${H}\r\n`),
  refused('absolute form for another host', `GET http://other/a HTTP/1.1\r\n${H}\r\n`),
  refused('CONNECT', `CONNECT h:80 HTTP/1.1\r\n${H}\r\n`, 501),
  refused('HTTP/3', `GET /a HTTP/3.0\r\n${H}\r\n`, 505),
  refused('climbing path', `GET /../../etc/passwd HTTP/1.1\r\n${H}\r\n`),
  refused('encoded NUL', `GET /a%00 HTTP/1.1\r\n${H}\r\n`),
  // Host.
  refused('no Host', 'GET /a HTTP/1.1\r\nX: y\r\n\r\n'),
  refused('two Hosts', `GET /a HTTP/1.1\r\n${H}Host: other\r\n\r\n`),
  refused('Host with path', 'GET /a HTTP/1.1\r\nHost: h/evil\r\n\r\n'),
  refused('Host with user', 'GET /a HTTP/1.1\r\nHost: x@h\r\n\r\n'),
  refused('Host folded', 'GET /a HTTP/1.1\r\nHost:\r\n h\r\n\r\n'),
  // Fields.
  refused('NUL in a name', `GET /a HTTP/1.1\r\n${H}X\0: y\r\n\r\n`),
  refused('NUL in a value', `GET /a HTTP/1.1\r\n${H}X: \0\r\n\r\n`),
  refused('line without colon', `GET /a HTTP/1.1\r\n${H}X\r\n\r\n`),
  refused('empty name', `GET /a HTTP/1.1\r\n${H}: y\r\n\r\n`),
  refused('too many fields', `GET /a HTTP/1.1\r\n${H}${'X: y\r\n'.repeat(101)}\r\n`, 431),
  refused('head too long', `GET /a HTTP/1.1\r\n${H}X: ${'y'.repeat(62_000)}\r\n\r\n`, 431),
  refused('target too long', `GET /${'y'.repeat(62_000)} HTTP/1.1\r\n${H}\r\n`, 414),
  refused('bare LF head', 'GET /a HTTP/1.1\nHost: h\n\n'),
  // Chunks.
  broken('chunk size with sign', '+1\r\nx\r\n0\r\n\r\n'),
  broken('chunk size with 0x', '0x1\r\nx\r\n0\r\n\r\n'),
  broken('chunk size with space', '1 \r\nx\r\n0\r\n\r\n'),
  broken('chunk size overflow', '10000000000000000\r\nx\r\n0\r\n\r\n'),
  broken('chunk size empty', '\r\nx\r\n0\r\n\r\n'),
  broken('chunk line ended by LF', '1\nx\r\n0\r\n\r\n'),
  broken('chunk data ended by LF', '1\r\nx\n0\r\n\r\n'),
  broken('chunk data too long', '1\r\nxx\r\n0\r\n\r\n'),
  broken('extension with LF', '1;a\nx\r\n0\r\n\r\n'),
  broken('extension with bare CR', '1;a\rb\r\nx\r\n0\r\n\r\n'),
  broken('trailer folded', '0\r\nX: y\r\n z\r\n\r\n'),
  broken('trailer with space before colon', '0\r\nX : y\r\n\r\n'),
  // What is allowed stays in step.
  {
    name: 'GET with a body',
    text: `GET /a HTTP/1.1\r\n${H}Content-Length: 4\r\n\r\nbody${LAST}`,
    answers: [200, 200],
    upstream: ['GET /a', 'GET /last'],
  },
  {
    name: 'a body that looks like a request',
    text: post(`Content-Length: ${EVIL.length}\r\n`, EVIL) + LAST,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
  {
    name: 'a chunk that looks like a request',
    text: post('Transfer-Encoding: chunked\r\n', `${EVIL.length.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`) + LAST,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
  {
    name: 'extension and trailer',
    text: post('Transfer-Encoding: chunked\r\n', '1;a=b\r\nx\r\n0\r\nY: z\r\n\r\n') + LAST,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
  {
    name: 'trailer cannot set Content-Length',
    text: post('Transfer-Encoding: chunked\r\n', '0\r\nContent-Length: 100\r\n\r\n') + LAST,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
  {
    name: 'empty line between requests',
    text: `GET /a HTTP/1.1\r\n${H}\r\n\r\n${LAST}`,
    answers: [200, 200],
    upstream: ['GET /a', 'GET /last'],
  },
  {
    name: 'Connection cannot remove framing',
    text: post('Connection: content-length\r\nContent-Length: 4\r\n', 'body') + LAST,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
  {
    name: 'close ends the pipeline',
    text: `GET /a HTTP/1.1\r\n${H}Connection: close\r\n\r\n${EVIL}`,
    answers: [200],
    upstream: ['GET /a'],
  },
  {
    name: 'HTTP/1.0 ends the pipeline',
    text: `GET /a HTTP/1.0\r\n${H}\r\n${EVIL}`,
    answers: [200],
    upstream: ['GET /a'],
  },
  {
    name: 'unknown route with a body ends the pipeline',
    text: `POST /a HTTP/1.1\r\nHost: unknown\r\nContent-Length: 1\r\n\r\nx${EVIL}`,
    answers: [404],
    upstream: [],
  },
  {
    name: 'unknown route without a body goes on',
    text: `GET /a HTTP/1.1\r\nHost: unknown\r\n\r\n${LAST}`,
    answers: [404, 200],
    upstream: ['GET /last'],
  },
  {
    name: 'Upgrade: h2c with a body in step',
    text: `POST /a HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody${LAST}`,
    answers: [200, 200],
    upstream: ['POST /a', 'GET /last'],
  },
];

let upstream: RawUpstream;
let rig: GatewayRig;

before(async () => {
  upstream = new RawUpstream((connection) => onRequests(connection, () => ok('')));
  const port = await upstream.listen();
  rig = await startRig({
    hosts: [testHost('h', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
    backends: [testBackend('web', [port])],
  });
});

after(async () => {
  await rig.stop();
  await upstream.close();
});

test('smuggling and malformed requests', async (t) => {
  assert.equal(new Set(ROWS.map((row) => row.name)).size, ROWS.length);
  for (const row of ROWS) {
    await t.test(row.name, async () => {
      const earlier = upstream.connections.map((connection) => connection.received.length);
      const answer = await rig.exchange(row.text);
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map((match) => Number(match[1]));
      assert.deepEqual(statuses, row.answers);
      const seen = upstream.connections.map((connection, i) => connection.received.slice(earlier[i] ?? 0)).join('');
      const lines = [...requestLines(seen)];
      // A request whose body breaks midway may have begun; nothing may follow it.
      const begun = row.upstream.length === 0 && lines.length === 1 && lines[0] === 'POST /a';
      if (!begun) assert.deepEqual(lines, row.upstream);
      assert.doesNotMatch(lines.join('\n'), /evil/);
    });
  }
});

/** Request lines as a strict reader of the upstream's bytes sees them. */
function* requestLines(seen: string): Generator<string> {
  let rest = seen;
  while (rest !== '') {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = rest.slice(0, headEnd + 4);
    yield head.split(' ').slice(0, 2).join(' ');
    rest = rest.slice(head.length);
    if (/^transfer-encoding: chunked/im.test(head)) {
      for (;;) {
        const size = /^([0-9a-f]+)\r\n/.exec(rest);
        if (size === null) return;
        const length = Number.parseInt(size[1]!, 16);
        rest = rest.slice(size[0].length);
        if (length === 0) break;
        rest = rest.slice(length + 2);
      }
      const end = /^(?:[^\r\n]+\r\n)*\r\n/.exec(rest);
      if (end === null) return;
      rest = rest.slice(end[0].length);
    } else rest = rest.slice(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0));
  }
}
