/** What a caller says of the trace that its request belongs to. */
export interface ParentContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Undefined: the caller leaves it to us (B3 only). */
  readonly isSampled: boolean | undefined;
  /** `tracestate` to pass on; empty: none. */
  readonly traceState: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/**
 * Reads `traceparent` and `tracestate` (W3C Trace Context, Level 2). Of several `traceparent` fields none counts. A later
 * version than 00 may say more behind a dash; what this one knows of it counts. A `tracestate` that is broken is dropped
 * without the rest.
 */
export function readTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): ParentContext | undefined {
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00', more] =
    TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId, isSampled, traceState: checkedTraceState(tracestate) };
}

const MEMBERS_MAX = 32;
const KEY = /^(?:[a-z][-a-z0-9_*/]{0,255}|[a-z0-9][-a-z0-9_*/]{0,240}@[a-z][-a-z0-9_*/]{0,13})$/;
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** The list as it came, without empty members; empty when any of it breaks a rule. */
function checkedTraceState(text: string | undefined): string {
  if (text === undefined) return '';
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  if (members.length > MEMBERS_MAX) return '';
  const keys = new Set<string>();
  for (const member of members) {
    const equals = member.indexOf('=');
    const key = member.slice(0, Math.max(0, equals));
    if (!KEY.test(key) || !VALUE.test(member.slice(equals + 1)) || keys.has(key)) return '';
    keys.add(key);
  }
  return members.join(',');
}

const B3_SINGLE = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/;

/** Fields of B3 propagation: one, or several. */
export interface B3Fields {
  readonly single: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly sampled: string | undefined;
  readonly flags: string | undefined;
}

/** Reads B3; short trace ids are the right half of long ones. */
export function readB3(fields: B3Fields): ParentContext | undefined {
  if (fields.single !== undefined) {
    const [, traceId = '', spanId = '', sampled] = B3_SINGLE.exec(fields.single.trim().toLowerCase()) ?? [];
    return contextOf(traceId, spanId, sampled === undefined ? undefined : sampled !== '0');
  }
  const traceId = fields.traceId?.trim().toLowerCase() ?? '';
  const spanId = fields.spanId?.trim().toLowerCase() ?? '';
  if (!/^(?:[0-9a-f]{16}|[0-9a-f]{32})$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) return undefined;
  const sampled = fields.flags?.trim() === '1' ? '1' : fields.sampled?.trim().toLowerCase();
  const isSampled =
    sampled === '1' || sampled === 'true' ? true : sampled === '0' || sampled === 'false' ? false : undefined;
  return contextOf(traceId, spanId, isSampled);
}

function contextOf(traceId: string, spanId: string, isSampled: boolean | undefined): ParentContext | undefined {
  const long = traceId.padStart(32, '0');
  if (traceId === '' || long === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId: long, spanId, isSampled, traceState: '' };
}
