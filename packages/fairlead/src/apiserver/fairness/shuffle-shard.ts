import { createHash } from 'node:crypto';

/**
 * Deals a hand of different queues to a flow: `handSize` out of `queues`, the same for the same text.
 * Two flows share all their queues with a probability of one in `queues choose handSize`, so a heavy flow
 * cannot stand in everybody's way.
 */
export function dealHand(text: string, queues: number, handSize: number): number[] {
  let entropy = createHash('sha256').update(text).digest().readBigUInt64BE(0);
  const free = Array.from({ length: queues }, (_, index) => index);
  const hand: number[] = [];
  for (let dealt = 0; dealt < Math.min(handSize, queues); dealt++) {
    const left = BigInt(free.length);
    hand.push(free.splice(Number(entropy % left), 1)[0]!);
    entropy /= left;
  }
  return hand;
}
