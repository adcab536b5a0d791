import * as h2 from '../protocol.ts';
import { CONFORMANCE_CASES } from './conformance-cases.ts';
import { settings } from './frames.ts';

/** Numbers in [0, 1) that are the same for the same seed (xorshift). */
export function seeded(seed: number): () => number {
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

/** A client's bytes: rows of the conformance table, flipped, cut, repeated and joined, mostly behind the opening. */
export function mutateInput(random: () => number): Buffer {
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
