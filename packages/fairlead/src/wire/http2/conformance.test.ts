import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as h2 from './protocol.ts';
import type { ConformanceCase } from './test-rig/conformance-case.ts';
import { CONFORMANCE_CASES } from './test-rig/conformance-cases.ts';
import { EchoServer } from './test-rig/echo-server.ts';
import { framesOf, request, settings } from './test-rig/frames.ts';

const OPTIONS = { maxConcurrentStreams: 4, maxHeaderListBytes: 16 * 1024 };
const OPENING = Buffer.concat([h2.PREFACE, settings()]);
const LATE_STREAM = 0x7fff_fffd;

function bytesOf({ input, raw }: ConformanceCase): Buffer {
  return raw === true ? input : Buffer.concat([OPENING, input]);
}

/** Judges everything that the server sent. */
function judge(row: ConformanceCase, server: EchoServer, sent: Uint8Array): void {
  const frames = framesOf(sent);
  const goaways = frames.filter(({ type }) => type === h2.GOAWAY);
  const resets = frames.filter(({ type }) => type === h2.RST_STREAM);
  const { expected } = row;
  if ('goaway' in expected) {
    assert.equal(goaways.length, 1);
    assert.equal(goaways[0]!.payload.readUInt32BE(4), expected.goaway);
    assert.equal(frames.at(-1), goaways[0], 'nothing follows GOAWAY');
    assert.equal(server.error?.[0], expected.goaway);
    assert.equal(server.connection.streams.size, 0);
    return;
  }
  assert.deepEqual(goaways, []);
  assert.equal(server.error, undefined);
  if ('reset' in expected) {
    const [id, code] = expected.reset;
    assert.deepEqual(
      resets.map(({ streamId, payload }) => [streamId, payload.readUInt32BE(0)]),
      [[id, code]],
    );
    assert.equal(server.connection.streams.has(id), false);
    return;
  }
  assert.deepEqual(resets, []);
  const ended = frames.filter(({ type, flags }) => type <= h2.HEADERS && (flags & h2.END_STREAM) !== 0);
  assert.deepEqual(
    ended.map(({ streamId }) => streamId).sort((a, b) => a - b),
    expected.answers,
  );
}

describe('a server answers each input as RFC 9113 says', () => {
  test('the table is large enough and has no name twice', () => {
    assert.ok(CONFORMANCE_CASES.length >= 120, `${CONFORMANCE_CASES.length} rows`);
    assert.equal(new Set(CONFORMANCE_CASES.map(({ name }) => name)).size, CONFORMANCE_CASES.length);
  });

  for (const row of CONFORMANCE_CASES) {
    test(row.name, () => {
      const server = new EchoServer(OPTIONS);
      const input = bytesOf(row);
      const sent = Buffer.concat([server.take(), server.exchange(input)]);
      judge(row, server, sent);
      const byByte = new EchoServer(OPTIONS);
      const pieces = [byByte.take()];
      for (let i = 0; i < input.length; i++) pieces.push(byByte.exchange(input.subarray(i, i + 1)));
      judge(row, byByte, Buffer.concat(pieces));
      assert.deepEqual(byByte.requests, server.requests);
      assert.deepEqual(byByte.resets, server.resets);
      if ('goaway' in row.expected || server.requests.some(({ id }) => id > 0x7fff_0000)) return;
      // A stream error costs one stream: the connection still serves.
      if (server.connection.streams.size < 4) {
        const after = framesOf(server.exchange(request(LATE_STREAM)));
        assert.ok(after.some(({ type, streamId }) => type === h2.HEADERS && streamId === LATE_STREAM));
      }
    });
  }
});
