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
import { CHUNK_CASES } from './chunk-cases.ts';
import { CONNECTION_CASES } from './connection-cases.ts';
import type { RequestCase } from './corpus-case.ts';
import { FIELD_CASES, HOST_CASES } from './field-cases.ts';
import { CODING_CASES, LENGTH_CASES } from './framing-cases.ts';
import { REQUEST_LINE_CASES } from './request-line-cases.ts';
import { readRequests } from './strict-reader.ts';

const AREAS: Readonly<Record<string, readonly RequestCase[]>> = {
  'request line': REQUEST_LINE_CASES,
  Host: HOST_CASES,
  fields: FIELD_CASES,
  'Content-Length': LENGTH_CASES,
  'Transfer-Encoding': CODING_CASES,
  chunks: CHUNK_CASES,
  connection: CONNECTION_CASES,
};

/** Follows a case whose connection closes: whoever answers or forwards it reads framing differently. */
const EVIL = 'GET /evil HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
/** Follows a case whose connection stays. */
const LAST = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

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

async function run(row: RequestCase, pieces: readonly string[]): Promise<void> {
  const earlier = upstream.connections.map((connection) => connection.received.length);
  const connection = rig.dial();
  for (const piece of pieces) {
    // Two writes; how the kernel delivers them must not matter.
    await new Promise((resolve) => connection.socket.write(Buffer.from(piece, 'latin1'), resolve));
  }
  // A client that says no more ends the wait for what it had only begun.
  connection.socket.end();
  const received = await connection.untilEnd();
  connection.socket.destroy();
  const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map((match) => Number(match[1]));
  assert.deepEqual(statuses, row.fate === 'stays' ? [...row.answers, 200] : row.answers);
  const seen = upstream.connections.map(({ received: all }, i) => all.slice(earlier[i] ?? 0));
  const requests = seen.flatMap((bytes) => readRequests(bytes));
  const expected = row.fate === 'stays' ? [...row.upstream, 'GET /last'] : row.upstream;
  // Requests of one case may go over several connections, so their order is the client's only.
  assert.deepEqual(requests.toSorted(), [...expected].sort());
  const text = seen.join('').toLowerCase();
  for (const line of row.forwarded ?? []) assert.ok(text.includes(`${line.toLowerCase()}\r\n`), `${line} in ${text}`);
  for (const part of row.withheld ?? []) assert.ok(!text.includes(part.toLowerCase()), `${part} in ${text}`);
}

test('the corpus of requests names 200 cases and more, each once and with its rule', () => {
  const all = Object.values(AREAS).flat();
  assert.ok(all.length >= 200, `${all.length}`);
  assert.ok(all.every(({ rule }) => /^(\d{4} \d+(\.\d+)*|limit|policy)$/.test(rule)));
  assert.equal(new Set(all.map(({ bytes }) => bytes)).size, all.length);
});

for (const [area, rows] of Object.entries(AREAS)) {
  test(area, async (t) => {
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
    for (const row of rows) {
      await t.test(`${row.rule}: ${row.name}`, async () => {
        const bytes = row.bytes + (row.fate === 'stays' ? LAST : EVIL);
        await run(row, [bytes]);
        const half = Math.floor(row.bytes.length / 2);
        await run(row, [bytes.slice(0, half), bytes.slice(half)]);
      });
    }
  });
}
