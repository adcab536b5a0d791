import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as h2 from './protocol.ts';
import { EchoServer } from './test-rig/echo-server.ts';
import { framesOf } from './test-rig/frames.ts';
import { mutateInput, seeded } from './test-rig/mutations.ts';

function feed(server: EchoServer, input: Buffer, random: (() => number) | undefined): Buffer {
  const pieces = [server.take()];
  for (let at = 0; at < input.length; ) {
    const end = random === undefined ? input.length : at + 1 + Math.floor(random() * 30);
    pieces.push(server.exchange(input.subarray(at, end)));
    at = end;
  }
  return Buffer.concat(pieces);
}

describe('whatever a client sends', () => {
  const seeds = Number(process.env.FAIRLEAD_FUZZ_ROUNDS ?? 4000);
  test(`${seeds} mutated inputs: no exception, whole frames out, one GOAWAY at most, the same outcome for any split`, () => {
    const random = seeded(20_251);
    let failed = 0;
    for (let round = 0; round < seeds; round++) {
      const input = mutateInput(random);
      const label = (): string => `round ${round}: ${input.toString('hex')}`;
      const whole = new EchoServer({ maxConcurrentStreams: 4 });
      const frames = framesOf(feed(whole, input, undefined));
      const goaways = frames.filter(({ type }) => type === h2.GOAWAY);
      assert.equal(goaways.length, whole.error === undefined ? 0 : 1, label());
      if (whole.error !== undefined) failed++;
      const { connection } = whole;
      assert.ok(connection.receiveWindow >= 0 && connection.streams.size <= 5, label());
      // Every stream is answered at most once.
      const ends = frames.filter(({ type, flags }) => type <= h2.HEADERS && (flags & h2.END_STREAM) !== 0);
      assert.equal(new Set(ends.map(({ streamId }) => streamId)).size, ends.length, label());
      const split = new EchoServer({ maxConcurrentStreams: 4 });
      feed(split, input, random);
      assert.deepEqual(split.error, whole.error, label());
      assert.deepEqual(split.requests, whole.requests, label());
      assert.deepEqual(split.resets, whole.resets, label());
    }
    assert.ok(failed > seeds / 10 && failed < seeds, 'inputs reach beyond the first frame');
  });
});
