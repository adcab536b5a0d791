import type { Exemplar } from '../../telemetry/metrics.ts';
import type { Span } from '../../telemetry/span.ts';
import { LATENCY_BOUNDS_MS } from '../gateway-metrics.ts';

/** The latest recorded trace of each bucket of the durations of a series; undefined: none yet. */
export type SeriesExemplars = readonly (Exemplar | undefined)[];

/**
 * Remembers for each series of traffic and each bucket of its durations the trace that was recorded last, so that a scrape leads from
 * a slow request's bucket to its trace. What is asked is what was recorded anyway: nothing is added to a request.
 */
export class TraceExemplars {
  readonly #bySeries = new Map<string, (Exemplar | undefined)[]>();

  /** @param isKnown whether a series of the name counts: others are left out. */
  note(spans: readonly Span[], isKnown: (key: string) => boolean): void {
    for (const span of spans) {
      if (span.kind !== 'server') continue;
      const key = seriesOf(span);
      if (key === undefined || !isKnown(key)) continue;
      const durationMs = span.endMs - span.startMs;
      const bucket = LATENCY_BOUNDS_MS.findIndex((bound) => durationMs <= bound);
      const known =
        this.#bySeries.get(key) ?? new Array<Exemplar | undefined>(LATENCY_BOUNDS_MS.length + 1).fill(undefined);
      this.#bySeries.set(key, known);
      known[bucket < 0 ? LATENCY_BOUNDS_MS.length : bucket] = {
        labels: [['trace_id', span.traceId]],
        value: durationMs / 1000,
        atMs: span.endMs,
      };
    }
  }

  of(key: string): SeriesExemplars | undefined {
    return this.#bySeries.get(key);
  }

  /** The series is no more. */
  forget(key: string): void {
    this.#bySeries.delete(key);
  }
}

/** The series that a request's span was counted in; undefined: none. */
function seriesOf({ attributes }: Span): string | undefined {
  const route = attributes.find(([name]) => name === 'fairlead.route')?.[1];
  const backend = attributes.find(([name]) => name === 'fairlead.backend')?.[1] ?? '';
  return route === undefined ? undefined : `${route} ${backend}`;
}
