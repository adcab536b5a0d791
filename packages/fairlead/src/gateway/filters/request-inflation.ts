import type { InflateFilter } from '../../routing/route-filters.ts';
import { type InflateCoding, type Inflated, inflate } from '../../sys/whole-content.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, Verdict } from './filter.ts';
import { type FilterRun, TOO_LARGE } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';

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

/** There is too much of this. */
const BUSY: FilterAnswer = { status: 503, body: errorBody(503), reason: 'overflow', fields: [] };
/** So much takes less than half a millisecond; what becomes longer is inflated outside of the thread that serves. */
const HERE_MAX_BYTES = 64 * 1024;

/** Inflates the content of requests, for endpoints and filters that cannot. Codings that nobody here knows go on. */
export class RequestInflation implements CompiledFilter {
  readonly #maxBytes: number;
  readonly #services: Pick<FilterServices, 'inflate'>;

  constructor({ maxBytes }: InflateFilter, services: Pick<FilterServices, 'inflate'>) {
    this.#maxBytes = maxBytes;
    this.#services = services;
  }

  onRequest(run: FilterRun): Verdict {
    const coding = run.header(CONTENT_ENCODING)?.trim().toLowerCase();
    if (coding === undefined || !CODINGS.has(coding)) return 'pass';
    return { bodyMaxBytes: this.#maxBytes, begin: (done) => this.#inflate(run, coding as InflateCoding, done) };
  }

  #inflate(run: FilterRun, coding: InflateCoding, done: (verdict: FinalVerdict) => void): FinalVerdict | (() => void) {
    const { content } = run;
    if (content === undefined || content.length === 0) return 'pass';
    const maxBytes = this.#maxBytes;
    const here = inflate(coding, content, Math.min(maxBytes, HERE_MAX_BYTES));
    if (here.ok || here.reason === 'broken' || maxBytes <= HERE_MAX_BYTES) return this.#take(run, here);
    return this.#services.inflate({ coding, content, maxBytes }, (there) => done(this.#take(run, there))) ?? BUSY;
  }

  #take(run: FilterRun, inflated: Inflated | undefined): FinalVerdict {
    if (inflated === undefined) return BUSY;
    if (!inflated.ok) return inflated.reason === 'broken' ? BROKEN : TOO_LARGE;
    const { buffer, byteOffset, length } = inflated.bytes;
    // It may have come from another thread, as plain bytes.
    run.content = Buffer.from(buffer, byteOffset, length);
    for (const name of [CONTENT_ENCODING, ...OF_THE_BYTES]) run.requestChange.drop(name);
    return 'pass';
  }
}
