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
} from '../test-rig/gateway-rig.ts';
import { RESPONSE_CASES, type ResponseCase } from './response-cases.ts';
import { readChunked } from './strict-reader.ts';

let row: ResponseCase;
/** Connections of the upstream that served the case and the request behind it. */
let servedCase: number[] = [];
let servedLast = -1;
let upstream: RawUpstream;
let rig: GatewayRig;

before(async () => {
  upstream = new RawUpstream((connection, index) =>
    onRequests(connection, (request) => {
      if (/^GET \/last /.test(request)) {
        servedLast = index;
        return ok('last');
      }
      servedCase.push(index);
      connection.send(row.bytes);
      if (row.ends === true) connection.socket.end();
      return undefined;
    }),
  );
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

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly taken: number;
}

/** The first final answer of what a client got; interim ones before it are skipped. */
function firstAnswer(received: string, isHead: boolean): Answer {
  let at = 0;
  for (;;) {
    const headEnd = received.indexOf('\r\n\r\n', at);
    assert.ok(headEnd >= 0, JSON.stringify(received));
    const head = received.slice(at, headEnd + 4);
    at = headEnd + 4;
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    if (status < 200) continue;
    const rest = received.slice(at);
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    if (isHead || status === 204 || status === 304) return { status, body: '', taken: at };
    if (/^transfer-encoding: chunked\r$/im.test(head)) {
      const body = readChunked(rest);
      return { status, body: body?.text ?? 'cut', taken: at + (body?.taken ?? rest.length) };
    }
    if (length === undefined) return { status, body: rest, taken: received.length };
    const whole = rest.length >= Number(length);
    return { status, body: whole ? rest.slice(0, Number(length)) : 'cut', taken: at + Number(length) };
  }
}

test('answers of upstreams', async (t) => {
  assert.ok(RESPONSE_CASES.length >= 60, `${RESPONSE_CASES.length}`);
  assert.equal(new Set(RESPONSE_CASES.map(({ name }) => name)).size, RESPONSE_CASES.length);
  assert.ok(RESPONSE_CASES.every(({ rule }) => /^(\d{4} \d+(\.\d+)*|limit|policy)$/.test(rule)));
  for (row of RESPONSE_CASES) {
    await t.test(`${row.rule}: ${row.name}`, async () => {
      servedCase = [];
      servedLast = -1;
      const version = row.request === 'HTTP/1.0' ? '1.0' : '1.1';
      const method = row.request === 'HEAD' ? 'HEAD' : 'GET';
      const first = `${method} /a HTTP/${version}\r\nHost: h\r\n\r\n`;
      const last = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
      let received = await rig.exchange(first + last);
      const answer = firstAnswer(received, method === 'HEAD');
      const own = received.slice(0, answer.taken);
      const statuses = [...own.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map((match) => Number(match[1]));
      assert.deepEqual(statuses, row.answers, received);
      if (row.answers.at(-1) === 502) assert.match(answer.body, /502|Bad Gateway/);
      else assert.equal(answer.body, row.body);
      const stays = received.length > answer.taken;
      assert.equal(stays ? 'stays' : 'closes', row.client, received);
      if (!stays) received = await rig.exchange(last);
      assert.match(received, /\r\n\r\nlast$/);
      assert.doesNotMatch(received, /evil/);
      assert.equal(servedCase.length, 1);
      assert.equal(servedLast === servedCase[0] ? 'reused' : 'dropped', row.upstream);
      for (const line of row.forwarded ?? []) assert.ok(own.toLowerCase().includes(`${line}\r\n`), `${line} in ${own}`);
      for (const part of row.withheld ?? []) assert.ok(!own.toLowerCase().includes(part), `${part} in ${own}`);
    });
  }
});
