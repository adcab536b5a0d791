import type { InflateFilter } from '../../routing/route-filters.ts';
import { type InflateCoding, inflate } from '../../sys/whole-content.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, Verdict } from './filter.ts';
import { type FilterRun, TOO_LARGE } from './filter-run.ts';

const CONTENT_ENCODING = Buffer.from('content-encoding');
const CODINGS: ReadonlySet<string> = new Set<InflateCoding>(['gzip', 'x-gzip', 'br', 'zstd']);
/** Sums over the bytes as they came (RFC 9530, RFC 3230). */
const OF_THE_BYTES = ['content-md5', 'digest', 'content-digest', 'repr-digest'].map((name) => Buffer.from(name));
const BROKEN: FilterAnswer = {
  status: 400,
  body: errorBody(400, 'the content is not what Content-Encoding says'),
  reason: 'bad-content',
  fields: [],
};

/** Inflates the content of requests, for endpoints and filters that cannot. Codings that nobody here knows go on. */
export class RequestInflation implements CompiledFilter {
  readonly #maxBytes: number;

  constructor({ maxBytes }: InflateFilter) {
    this.#maxBytes = maxBytes;
  }

  onRequest(run: FilterRun): Verdict {
    const coding = run.header(CONTENT_ENCODING)?.trim().toLowerCase();
    if (coding === undefined || !CODINGS.has(coding)) return 'pass';
    return { bodyMaxBytes: this.#maxBytes, begin: () => this.#inflate(run, coding as InflateCoding) };
  }

  #inflate(run: FilterRun, coding: InflateCoding): FinalVerdict {
    if (run.content === undefined || run.content.length === 0) return 'pass';
    const inflated = inflate(coding, run.content, this.#maxBytes);
    if (!inflated.ok) return inflated.reason === 'broken' ? BROKEN : TOO_LARGE;
    run.content = inflated.bytes;
    for (const name of [CONTENT_ENCODING, ...OF_THE_BYTES]) run.requestChange.drop(name);
    return 'pass';
  }
}
