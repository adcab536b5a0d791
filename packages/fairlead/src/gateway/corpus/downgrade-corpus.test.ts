import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { FieldList } from '../../wire/http2/field-list.ts';
import { HpackDecoder } from '../../wire/http2/hpack-decoder.ts';
import * as h2 from '../../wire/http2/protocol.ts';
import { frame, request, type SentFrame, settings } from '../../wire/http2/test-rig/frames.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from '../test-rig/gateway-rig.ts';
import { DOWNGRADE_CASES, type DowngradeCase } from './downgrade-cases.ts';
import { readRequests } from './strict-reader.ts';

let upstream: RawUpstream;
let rig: GatewayRig;

before(async () => {
  upstream = new RawUpstream((connection) => onRequests(connection, () => ok('')));
  const port = await upstream.listen();
  rig = await startRig({
    hosts: [testHost('*', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
    backends: [testBackend('web', [port])],
  });
});
after(async () => {
  await rig?.stop();
  await upstream?.close();
});

/** The request behind each case, on a stream of its own: whoever reads the case differently answers it differently. */
const LAST_STREAM = 3;

/** Whole frames at the start of some bytes. */
function wholeFrames(bytes: Buffer): SentFrame[] {
  const frames: SentFrame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const payload = bytes.subarray(at + 9, end);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, streamId: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return frames;
}

/** The statuses of all answers, by stream; `reset` for a stream that was reset without one. */
function outcomes(frames: readonly SentFrame[]): Map<number, number | 'reset'> {
  const decoder = new HpackDecoder();
  const found = new Map<number, number | 'reset'>();
  for (const { type, streamId, payload } of frames) {
    if (type === h2.RST_STREAM && !found.has(streamId)) found.set(streamId, 'reset');
    if (type !== h2.HEADERS) continue;
    const fields = new FieldList();
    assert.ok(decoder.decode(payload, 0, payload.length, fields));
    const status = fields.toPairs().find(([name]) => name === ':status')?.[1];
    if (status !== undefined && !found.has(streamId)) found.set(streamId, Number(status));
  }
  return found;
}

async function run(row: DowngradeCase): Promise<void> {
  const earlier = upstream.connections.map((connection) => connection.received.length);
  const socket = connect(rig.port, '127.0.0.1');
  socket.on('error', () => {});
  const done = Promise.withResolvers<Map<number, number | 'reset'>>();
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const found = outcomes(wholeFrames(received));
    if (found.has(1) && found.has(LAST_STREAM)) done.resolve(found);
  });
  socket.on('close', () => done.reject(new Error('the connection has ended')));
  socket.write(Buffer.concat([h2.PREFACE, settings(), frame(h2.SETTINGS, h2.ACK, 0), row.frames]));
  socket.write(request(LAST_STREAM));
  try {
    const found = await within(row.name, done.promise);
    assert.equal(found.get(1), row.answer);
    // The connection is as good as before, whatever the stream was.
    assert.equal(found.get(LAST_STREAM), 200);
  } finally {
    socket.destroy();
  }
  const seen = upstream.connections.map(({ received: all }, i) => all.slice(earlier[i] ?? 0));
  const requests = seen.flatMap((bytes) => readRequests(bytes)).filter((each) => each !== row.maybe);
  assert.deepEqual(requests.toSorted(), [...row.upstream, 'GET /'].toSorted());
  const text = seen.join('').toLowerCase();
  for (const line of row.forwarded ?? []) assert.ok(text.includes(`${line.toLowerCase()}\r\n`), `${line} in ${text}`);
  for (const part of row.withheld ?? []) {
    if (!row.upstream.some((each) => each.includes(part)))
      assert.ok(!text.includes(part.toLowerCase()), `${part} in ${text}`);
  }
}

test('the corpus names 80 cases and more, each once and with its rule', () => {
  assert.ok(DOWNGRADE_CASES.length >= 80, String(DOWNGRADE_CASES.length));
  assert.equal(new Set(DOWNGRADE_CASES.map(({ name }) => name)).size, DOWNGRADE_CASES.length);
  assert.ok(DOWNGRADE_CASES.every(({ rule }) => /^(\d{4} \d+(\.\d+)*|policy)$/.test(rule)));
});

for (const row of DOWNGRADE_CASES) test(`${row.rule}: ${row.name} → ${row.answer}`, () => run(row));
