import { hashText } from './maglev.ts';

/**
 * Deterministic subsetting in rounds (Site Reliability Engineering, chapter 20): clients of one
 * round share a shuffled list and take consecutive pieces of it, so each backend serves the same
 * number of clients, up to the unfinished round and the remainder of the division.
 *
 * @param client its number, 0 and up, without gaps
 * @param subsetSize backends per client, at least 1
 * @returns indices of backends
 */
export function roundSubset(backendCount: number, client: number, subsetSize: number): number[] {
  if (backendCount <= subsetSize) return Array.from({ length: backendCount }, (_, index) => index);
  const subsetCount = Math.floor(backendCount / subsetSize);
  const round = Math.floor(client / subsetCount);
  const shuffled = shuffledIndices(backendCount, round);
  const start = (client % subsetCount) * subsetSize;
  return shuffled.slice(start, start + subsetSize);
}

/** Fisher-Yates with a generator (xorshift32) seeded by the round: the same for all clients. */
function shuffledIndices(count: number, round: number): number[] {
  const indices = Array.from({ length: count }, (_, index) => index);
  let state = hashText(`round ${round}`, 0x6d2b79f5) || 1;
  for (let i = count - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [indices[i], indices[j]] = [indices[j]!, indices[i]!];
  }
  return indices;
}

/**
 * Rendezvous subsetting (gRFC A68): the `subsetSize` backends with the highest hash of client and
 * backend name. One backend that comes or goes changes at most one entry of any client.
 */
export function rendezvousSubset(backends: readonly string[], client: string, subsetSize: number): number[] {
  const seed = hashText(client, 0x9747b28c);
  return backends
    .map((name, index) => ({ index, name, score: hashText(name, seed) }))
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
    .slice(0, subsetSize)
    .map(({ index }) => index);
}
