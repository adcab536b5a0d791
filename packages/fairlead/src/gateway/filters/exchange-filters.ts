import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { ResponseFraming, ResponseHead } from '../../wire/http1/response-head.ts';
import type { ClientConnection } from '../client-connection.ts';
import { describeCoding, hasContent, isEventStream, mergeVary } from '../compression/compressible.ts';
import { ResponseEncoder } from '../compression/response-encoder.ts';
import type { EndpointRuntime } from '../endpoint-runtime.ts';
import type { ExchangeRecord } from '../exchange-record.ts';
import { METRIC } from '../gateway-metrics.ts';
import type { ProxyCore } from '../proxy-core.ts';
import { changedPath, type Frontend } from '../route-lookup.ts';
import { screenUnderscores } from '../underscore-fields.ts';
import type { CompiledFilter, FinalVerdict } from './filter.ts';
import { FilterRun } from './filter-run.ts';

/** How long filters may take with one request, milliseconds. Beyond: 503. */
export const FILTERS_MAX_MS = 60_000;

/** Takes a verdict that took time. */
export type LateVerdict = (verdict: FinalVerdict, head: RequestHead, path: Buffer | undefined) => void;

/** The filters' part of a client connection: a run, the head of a request that waits for a verdict, and what compresses the answer. */
export class ExchangeFilters {
  readonly run: FilterRun;
  readonly #core: ProxyCore;
  #keptHead: Buffer | undefined = undefined;
  /** Of the answer under way. */
  #encoder: ResponseEncoder | undefined = undefined;

  constructor(
    core: ProxyCore,
    { identity, trace }: ExchangeRecord,
    { scheme, port }: Pick<Frontend, 'scheme' | 'port'>,
  ) {
    this.#core = core;
    this.run = new FilterRun({ identity, scheme, port, trace });
  }

  /**
   * Shows a request with its head complete, `head.bytes[head.base, bodyStart)`, to the filters of its route.
   * `waiting`: `onVerdict` follows, with the head parsed again. What a filter wants in its answer is in the run.
   */
  begin(
    filters: readonly CompiledFilter[],
    head: RequestHead,
    bodyStart: number,
    path: Buffer | undefined,
    onVerdict: LateVerdict,
  ): 'waiting' | FinalVerdict {
    this.run.start(filters);
    const result = this.run.advance(head, path, () => this.#goOn(onVerdict));
    if (result === 'waiting') this.#keptHead = Buffer.from(head.bytes.subarray(head.base, bodyStart));
    return result;
  }

  /** Reads the head that was kept once more; it is valid in the present callback only. */
  #goOn(onVerdict: LateVerdict): void {
    const { requestHead: head } = this.#core;
    head.reset();
    head.parse(this.#keptHead!, 0, this.#keptHead!.length);
    // It was not refused the first time.
    screenUnderscores(head, this.#core.underscoreFields);
    const path = changedPath(head) as Buffer | undefined;
    const result = this.run.advance(head, path, () => this.#goOn(onVerdict));
    if (result === 'waiting') return;
    this.#keptHead = undefined;
    onVerdict(result, head, path);
  }

  /**
   * Sees the head that goes to the client, once, before it is written. Returns what compresses its content; undefined:
   * it goes on as it is.
   */
  onAnswer(
    from: EndpointRuntime,
    head: ResponseHead,
    framing: ResponseFraming,
    client: ClientConnection,
  ): ResponseEncoder | undefined {
    const { compression, coding, responseChange, session } = this.run;
    const told = session?.answerField(from);
    if (told !== undefined) responseChange.add(...told);
    if (compression === undefined || !compression.covers(head)) return undefined;
    const add = (name: string, value: string): boolean => responseChange.add(name, value);
    mergeVary(head, add);
    if (coding === undefined || !hasContent(head, framing)) return undefined;
    const core = this.#core;
    const pooled = core.compressors.take(coding, compression.levelOf(coding));
    if (pooled === undefined) {
      core.metrics[METRIC.compressionSkipped]! += 1;
      return undefined;
    }
    const flushesEach = isEventStream(head);
    describeCoding(head, coding, add);
    this.#encoder = new ResponseEncoder(core, pooled, client.connection, { chunked: !client.isHttp10, flushesEach });
    return this.#encoder;
  }

  /** Nothing is waited for any more. Idempotent. */
  end(): void {
    this.#encoder?.release();
    this.#encoder = undefined;
    this.run.cancel();
    this.#keptHead = undefined;
  }
}
