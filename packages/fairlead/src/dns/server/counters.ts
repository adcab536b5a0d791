import { rrType } from '../../wire/dns/constants.ts';

/** Positions in a thread's counter array (64-bit floats, one writer). */
export const counterIndex = {
  queries: 0,
  dropped: 1,
  truncated: 2,
  handedOff: 3,
  batches: 4,
  /** Datagrams the kernel did not take. */
  sendFailures: 5,
  /** Answered from the forwarder's cache by the thread itself. */
  cacheHits: 6,
  /** Answers dropped or truncated by rate limiting. */
  rateLimited: 7,
  /** First of sixteen counters by response code. */
  rcodes: 8,
  /** First of the counters by query type, in the order of {@link countedTypes}; then all other types. */
  types: 24,
  /** Queries with the DNSSEC OK bit. */
  dnssecOk: 36,
  /** Bytes of all queries, and of all answers from the tables. */
  queryBytes: 37,
  answerBytes: 38,
  /** First of the counters of queries by size, in {@link sizeBounds}; then of answers. */
  querySizes: 40,
  answerSizes: 56,
} as const;

/** Upper bounds of the classes of sizes, in bytes: CoreDNS's. Larger ones have a class of their own. */
export const sizeBounds: readonly number[] = [
  ...[0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000],
];

/** Class of every size that UDP has. */
const smallClass: Uint8Array = Uint8Array.from({ length: 2048 }, (_, bytes) => classOf(bytes));

function classOf(bytes: number): number {
  const found = sizeBounds.findIndex((bound) => bytes <= bound);
  return found < 0 ? sizeBounds.length : found;
}

/** Class of a size, as a position in {@link sizeBounds}. */
export function sizeClassOf(bytes: number): number {
  return bytes < 2048 ? smallClass[bytes]! : classOf(bytes);
}

/** Query types that are counted apart. */
export const countedTypes: readonly number[] = [
  rrType.A,
  rrType.AAAA,
  rrType.SRV,
  rrType.PTR,
  rrType.TXT,
  rrType.NS,
  rrType.SOA,
  rrType.CNAME,
  rrType.MX,
  rrType.HTTPS,
  rrType.ANY,
];

/** Counter of each query type below 256. */
export const typeCounter: Uint8Array = new Uint8Array(256).fill(counterIndex.types + countedTypes.length);
for (const [index, type] of countedTypes.entries()) typeCounter[type] = counterIndex.types + index;

/** Length of a thread's counter array. */
export const counterWords = 72;

/** Sums over all threads. */
export interface DnsCounters {
  readonly queries: number;
  readonly dropped: number;
  readonly truncated: number;
  readonly handedOff: number;
  readonly batches: number;
  readonly sendFailures: number;
  readonly cacheHits: number;
  readonly rateLimited: number;
  /** Answers from the table by response code. */
  readonly rcodes: readonly number[];
  /** Queries by type: those of {@link countedTypes}, then all others. */
  readonly types: readonly number[];
  readonly dnssecOk: number;
  readonly queryBytes: number;
  readonly answerBytes: number;
  /** By class of {@link sizeBounds}, the last one above all. */
  readonly querySizes: readonly number[];
  readonly answerSizes: readonly number[];
}

/** Adds up the counters of all threads. */
export function sumCounters(threads: readonly Float64Array[]): DnsCounters {
  const sum = (index: number): number => threads.reduce((total, counters) => total + (counters[index] ?? 0), 0);
  return {
    queries: sum(counterIndex.queries),
    dropped: sum(counterIndex.dropped),
    truncated: sum(counterIndex.truncated),
    handedOff: sum(counterIndex.handedOff),
    batches: sum(counterIndex.batches),
    sendFailures: sum(counterIndex.sendFailures),
    cacheHits: sum(counterIndex.cacheHits),
    rateLimited: sum(counterIndex.rateLimited),
    rcodes: Array.from({ length: 16 }, (_, code) => sum(counterIndex.rcodes + code)),
    types: Array.from({ length: countedTypes.length + 1 }, (_, index) => sum(counterIndex.types + index)),
    dnssecOk: sum(counterIndex.dnssecOk),
    queryBytes: sum(counterIndex.queryBytes),
    answerBytes: sum(counterIndex.answerBytes),
    querySizes: Array.from({ length: sizeBounds.length + 1 }, (_, index) => sum(counterIndex.querySizes + index)),
    answerSizes: Array.from({ length: sizeBounds.length + 1 }, (_, index) => sum(counterIndex.answerSizes + index)),
  };
}
