import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as h2 from './protocol.ts';
import { CONFORMANCE_CASES } from './test-rig/conformance-cases.ts';
import { EchoServer } from './test-rig/echo-server.ts';
import { framesOf, settings } from './test-rig/frames.ts';

function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const OPENING = Buffer.concat([h2.PREFACE, settings()]);
/** Small inputs, which together know every frame. */
const CORPUS = CONFORMANCE_CASES.filter(({ input }) => input.length < 2000).map(({ input, raw }) =>
  raw === true ? input : Buffer.concat([OPENING, input]),
);

/** Flips, cuts, repeats and joins, mostly behind the opening. */
function mutate(random: () => number): Buffer {
  const pick = (): Buffer => CORPUS[Math.floor(random() * CORPUS.length)]!;
  let input = Buffer.concat([pick(), pick().subarray(random() < 0.8 ? OPENING.length : 0)]);
  for (let i = Math.floor(random() * 6); i > 0; i--) {
    const at = Math.floor(random() * input.length);
    switch (Math.floor(random() * 4)) {
      case 0:
        input[at] = Math.floor(random() * 256);
        break;
      case 1:
        input[at]! ^= 1 << Math.floor(random() * 8);
        break;
      case 2:
        input = Buffer.concat([input.subarray(0, at), input.subarray(at + Math.floor(random() * 20))]);
        break;
      default:
        input = Buffer.concat([input.subarray(0, at + 9), input.subarray(at)]);
    }
    if (input.length === 0) return input;
  }
  return input;
}

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
      const input = mutate(random);
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
