import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { ProxyCore } from '../proxy-core.ts';
import type { ClientIdentity } from '../request-writer.ts';
import { changedPath } from '../route-lookup.ts';
import type { CompiledFilter, FinalVerdict } from './filter.ts';
import { FilterRun } from './filter-run.ts';

/** How long filters may take with one request, milliseconds. Beyond: 503. */
export const FILTERS_MAX_MS = 60_000;

/** Takes a verdict that took time. */
export type LateVerdict = (verdict: FinalVerdict, head: RequestHead, path: Buffer | undefined) => void;

/** The filters' part of a client connection: a run, and the head of a request that waits for a verdict. */
export class ExchangeFilters {
  readonly run: FilterRun;
  readonly #core: ProxyCore;
  #keptHead: Buffer | undefined = undefined;

  constructor(core: ProxyCore, identity: ClientIdentity, scheme: 'http' | 'https') {
    this.#core = core;
    this.run = new FilterRun({ identity, scheme, isTrustedProxy: core.isTrustedProxy });
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
    const path = changedPath(head) as Buffer | undefined;
    const result = this.run.advance(head, path, () => this.#goOn(onVerdict));
    if (result === 'waiting') return;
    this.#keptHead = undefined;
    onVerdict(result, head, path);
  }

  /** Nothing is waited for any more. Idempotent. */
  end(): void {
    this.run.cancel();
    this.#keptHead = undefined;
  }
}
