/**
 * The answer table in shared memory: one writer (the main thread), lock-free readers (the workers).
 *
 *     slots   [hash, entry] pairs, open addressing with linear probing; capacity is a power of two.
 *             entry: word index into the arena; 0 free, -1 deleted. An entry is replaced by one atomic
 *             store, so a reader sees the old answers or the new ones.
 *     arena   entries; growable memory; no block lies across the end of an earlier size:
 *       word 0            name length in bytes | flags << 8 | number of sets << 16
 *       word 1            identity of the name, for the writer
 *       word 2            size of the block in bytes, for the writer
 *       word 3 + 4s ...   sets: [type | flags << 16, byte offset, answers | additionals << 16,
 *                         answer bytes | additional bytes << 16]
 *       then              name, lower-case wire form, zero padded to a word
 *       then              for each set the wire form of its answers, then of its additionals, as they
 *                         follow the question: compression pointers are final, because the question
 *                         has the entry's name at offset 12; then what its flags call for (see below)
 *     control  words below; then one batch counter per worker: odd while it reads
 *
 * A replaced entry is reused only after every worker that was reading has finished its batch.
 */
export interface TableBuffers {
  readonly control: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
}

/** Word indexes of the control buffer. */
export const control = {
  /** Grows when `slots` were replaced; the new ones wait in the worker's port. The arena grows in place. */
  generation: 0,
  /** Bit n: the names of the n-th zone (see zone-template.ts) are complete; before, they are SERVFAIL. */
  synced: 1,
  /** SOA serial. */
  serial: 2,
  /** 1: workers end. */
  stop: 3,
  /** Queries handed to the main thread and not yet answered. */
  handedOff: 4,
  /** Most queries that may be handed off at once; beyond it they are SERVFAIL. */
  handOffLimit: 5,
  /** 1: the main thread gets queries that a search list may have made (see search-completion.ts). */
  completesSearch: 6,
  /** Bit n: the n-th zone has names that begin with `*`. */
  wildcards: 7,
  /** 1: somebody listens to queries (see query-tap.ts). */
  tapped: 8,
  /** Queries that may still be told of in this second. */
  tapsLeft: 9,
  /** Those that were not told of, because there were none left. */
  tapsLost: 10,
  /** First of the batch counters, {@link counterStrideWords} apart. */
  batchCounters: 16,
} as const;

/** One cache line per worker. */
export const counterStrideWords = 16;
/** Words before the sets of an entry. */
export const entryHeaderWords = 3;
/** Words of one set. */
export const setWords = 4;
/** Entry flag (of eight): has a CNAME set; the main thread follows the chain. */
export const entryHasAlias = 1;
/** Set flag: the records of the SOA are made on the spot. */
export const setIsSoa = 1;
/** Set flag: all records have one size and may be rotated. */
export const setRotates = 2;
/** Set flag: not all records fit into a message of 65,535 bytes. */
export const setIsCut = 4;
/** Set flag, for the writer: PTR records of a cluster IP, which hide those of endpoints. */
export const setIsClusterIp = 8;
/**
 * Set flag: rotating records with rules, which lie in the place of additional records: 16-bit numbers, the
 * most answers (0: all), how many numbers follow the head, {@link policyIsSticky} with the bits of the
 * preferred prefix (0: none). Then the schedule, which record comes first, or, sticky, the records' weights.
 */
export const setHasPolicy = 16;
/** Bytes of the rules before the schedule. */
export const policyHeadBytes = 6;
/** Bit of the third number: the client's network decides which record comes first. */
export const policyIsSticky = 0x8000;
