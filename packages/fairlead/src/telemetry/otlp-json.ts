import type { Span, SpanAttribute } from './span.ts';

const KINDS: Readonly<Record<Span['kind'], number>> = { server: 2, client: 3 };
const STATUS_ERROR = 2;

/** An export request of OTLP 1.x in JSON (ExportTraceServiceRequest): ids in hexadecimal, 64-bit numbers as texts. */
export function encodeSpans(spans: readonly Span[], resource: readonly SpanAttribute[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: resource.map(attribute) },
        scopeSpans: [{ scope: { name: 'fairlead' }, spans: spans.map(spanOf) }],
      },
    ],
  });
}

function spanOf(span: Span): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId === '' ? {} : { parentSpanId: span.parentId }),
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: span.attributes.map(attribute),
    status: span.error === undefined ? {} : { code: STATUS_ERROR, message: span.error },
  };
}

function attribute([key, value]: SpanAttribute): unknown {
  return { key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } };
}

/** Nanoseconds do not fit into a number; microseconds do. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
