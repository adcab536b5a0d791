/**
 * Forwarded answers in shared memory: one writer (the main thread), lock-free readers (the workers).
 *
 *     slots   buckets of four [hash, entry] pairs; entry: word index into the arena, 0 free. A full bucket
 *             loses its oldest entry: this is a cache, the main thread has the rest.
 *     arena   entries:
 *       word 0            name length in bytes | response code << 8 | number of TTL offsets << 16
 *       word 1            query type | view << 16, see {@link questionTag}
 *       word 2            size of the block in bytes, for the writer
 *       word 3            Unix second when it was made
 *       word 4            seconds that it may be used
 *       word 5            answers | authority records << 16
 *       word 6            bytes of the body
 *       word 7            hits; {@link refreshAsked} once a worker has asked for a fresh one
 *       then              name, lower-case wire form, zero padded to a word
 *       then              offsets of the TTLs in the body, two per word
 *       then              the body: what follows the question
 */
export interface ForeignBuffers {
  readonly slots: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
}

/** Pairs in a bucket. */
export const bucketPairs = 4;
/** Words before the name. */
export const foreignHeaderWords = 8;
/** Bit of word 7. */
export const refreshAsked = 0x40000000;
/** An entry in its last tenth is refreshed if it was asked for at least so often. */
export const refreshMinHits = 3;

/** What tells questions for one name apart: the type, and the view whose upstreams were asked (0: none). */
export function questionTag(type: number, view: number): number {
  return type | (view << 16);
}

/** Hash of a question from the hash of its name and its tag. */
export function questionHash(nameHash: number, tag: number): number {
  const hash = Math.imul(nameHash ^ tag, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
