/** What a span says of one thing, as OpenTelemetry's semantic conventions name it. Numbers are whole. */
export type SpanAttribute = readonly [name: string, value: string | number];

/** One finished span of a trace. Plain data: it crosses threads. */
export interface Span {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentId: string;
  /** As it was sent on; empty: none. */
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Unix ms, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: readonly SpanAttribute[];
  /** Why it failed; undefined: it did not. */
  readonly error: string | undefined;
}
