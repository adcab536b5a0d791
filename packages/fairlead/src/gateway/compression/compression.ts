import type { CompressFilter } from '../../routing/route-filters.ts';
import { type CompressionCoding, compressionCodings } from '../../sys/compressor.ts';
import type { ResponseHead } from '../../wire/http1/response-head.ts';
import type { CompiledFilter, Verdict } from '../filters/filter.ts';
import type { FilterRun } from '../filters/filter-run.ts';
import { acceptedCoding } from './accepted-coding.ts';
import { forbidsTransform, isCompressible, typeMatcher } from './compressible.ts';

const ACCEPT_ENCODING = Buffer.from('accept-encoding');
const CACHE_CONTROL = Buffer.from('cache-control');

/** Levels of each coding: those above would need more memory than they are worth on the way. */
const LEVELS: Readonly<Record<CompressFilter['level'], Readonly<Record<CompressionCoding, number>>>> = {
  fast: { gzip: 1, br: 1, zstd: 1 },
  balanced: { gzip: 5, br: 4, zstd: 3 },
  small: { gzip: 9, br: 6, zstd: 6 },
};

/** Chooses how answers of a route are compressed. The work is that of a `ResponseEncoder`. */
export class Compression implements CompiledFilter {
  readonly #filter: CompressFilter;
  readonly #codings: readonly CompressionCoding[];
  readonly #isOfType: (contentType: string) => boolean;

  constructor(filter: CompressFilter) {
    this.#filter = filter;
    const known = compressionCodings();
    this.#codings = filter.codings.filter((coding) => known.has(coding));
    this.#isOfType = typeMatcher(filter.types);
  }

  onRequest(run: FilterRun): Verdict {
    run.compression = this;
    // Who asks for the bytes as they are gets them, but a cache must not take them for everybody's.
    run.coding = forbidsTransform(run.header(CACHE_CONTROL))
      ? undefined
      : acceptedCoding(run.header(ACCEPT_ENCODING), this.#codings);
    return 'pass';
  }

  /** Whether the answer is compressed for clients who want that. */
  covers(head: ResponseHead): boolean {
    return this.#codings.length > 0 && isCompressible(head, this.#filter, this.#isOfType);
  }

  levelOf(coding: CompressionCoding): number {
    return LEVELS[this.#filter.level][coding];
  }

  /** The same for an answer of the gateway's own. */
  coversOwn(contentType: string, length: number): boolean {
    return this.#codings.length > 0 && length >= this.#filter.minBytes && this.#isOfType(contentType);
  }
}
