import { type Reading, readBytes, readCount, readDuration, readDurationOrOff, readWord } from './annotation-values.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from './route-policies.ts';
import type { RouteTimeouts } from './route-table.ts';

/** What the annotations of an Ingress say about its routes. */
export interface RouteAnnotations {
  readonly timeouts: RouteTimeouts;
  /** Undefined: as without annotations. */
  readonly retry: RetryPolicy | undefined;
  readonly problems: readonly AnnotationProblem[];
}

const PREFIX = 'fairlead.dev/';
const CONDITIONS: readonly RetryCondition[] = [
  'connect-failure',
  'refused-stream',
  'reset',
  'gateway-error',
  '5xx',
  'try-timeout',
];

/** Bounds of the pause before the first retry, and before any. Envoy's. */
const BACKOFF_MS = [25, 250] as const;
/** Most of a request that is kept for its repetition. */
const REPLAY_MAX_BYTES = 1024 * 1024;

/** gRPC codes by the names that Envoy and Istio have for them. */
const GRPC_CONDITIONS: ReadonlyMap<string, number> = new Map([
  ['cancelled', 1],
  ['deadline-exceeded', 4],
  ['resource-exhausted', 8],
  ['internal', 13],
  ['unavailable', 14],
]);

/** What `retry-on` says. */
type RetryReasons = Pick<RetryPolicy, 'on' | 'statuses' | 'grpcStatuses'>;

/** Reads the retry and timeout annotations of an Ingress (docs/decisions/0008-route-policies.md). A wrong value counts as absent. */
export function readRoutePolicy(
  annotations: Readonly<Record<string, string>> | undefined,
  defaults: RouteTimeouts,
): RouteAnnotations {
  const problems: AnnotationProblem[] = [];
  function read<T>(name: string, reader: (text: string) => Reading<T>): T | undefined {
    const text = annotations?.[PREFIX + name]?.trim();
    if (text === undefined) return undefined;
    const result = reader(text);
    if (result.ok) return result.value;
    problems.push({ field: `metadata.annotations[${PREFIX}${name}]`, message: result.message });
    return undefined;
  }
  const timeouts: RouteTimeouts = {
    requestMs: read('request-timeout', readDurationOrOff) ?? defaults.requestMs,
    connectMs: read('connect-timeout', readDurationOrOff) ?? defaults.connectMs,
    idleMs: read('idle-timeout', readDurationOrOff) ?? defaults.idleMs,
  };
  const tryMs = read('try-timeout', readDurationOrOff);
  const on = read('retry-on', readConditions);
  const retries = read('retries', (text) => readCount(text, 0, 10));
  const methods = read('retry-methods', (text) => readWord(text, ['idempotent', 'any'] as const));
  const hedge = read('retry-hedge', (text) => readWord(text, ['true', 'false'] as const));
  const backoff = read('retry-backoff', readBackoff);
  const replayMaxBytes = read('retry-max-body-size', readReplayBytes);
  if (hedge === 'true' && (tryMs === undefined || tryMs === 'off')) {
    problems.push({ field: `metadata.annotations[${PREFIX}retry-hedge]`, message: `needs ${PREFIX}try-timeout` });
  }
  const isAbsent = [on, retries, methods, hedge, backoff, replayMaxBytes].every((each) => each === undefined);
  return {
    timeouts: tryMs === undefined ? timeouts : { ...timeouts, tryMs },
    retry: isAbsent
      ? undefined
      : {
          ...(on ?? { on: DEFAULT_RETRY.on, statuses: [] }),
          // Envoy's default for who says when, but not how often.
          retries: retries ?? (on === undefined ? DEFAULT_RETRY.retries : 1),
          methods: methods ?? 'idempotent',
          backoffBaseMs: backoff?.[0] ?? BACKOFF_MS[0],
          backoffMaxMs: backoff?.[1] ?? BACKOFF_MS[1],
          hedge: hedge === 'true',
          replayMaxBytes: replayMaxBytes ?? DEFAULT_RETRY.replayMaxBytes,
        },
    problems,
  };
}

/** `25ms 250ms`: the longest first pause, and the longest of all. */
function readBackoff(text: string): Reading<readonly [baseMs: number, maxMs: number]> {
  const [first = '', second = first, ...more] = text.split(/\s+/);
  const base = readDuration(first);
  if (!base.ok) return base;
  const max = readDuration(second);
  if (!max.ok) return max;
  if (more.length > 0 || max.value < base.value) return { ok: false, message: `'${text}' is not like 25ms 250ms` };
  return { ok: true, value: [base.value, max.value] };
}

function readReplayBytes(text: string): Reading<number> {
  const bytes = readBytes(text);
  if (!bytes.ok || bytes.value <= REPLAY_MAX_BYTES) return bytes;
  return { ok: false, message: `'${text}' is more than 1m, which is kept in memory for each request` };
}

/** `reset, 5xx, 429, unavailable`: conditions, statuses and gRPC codes. */
function readConditions(text: string): Reading<RetryReasons> {
  const on: RetryCondition[] = [];
  const statuses: number[] = [];
  const grpcStatuses: number[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    const condition = CONDITIONS.find((each) => each === part);
    const code = GRPC_CONDITIONS.get(part);
    if (condition !== undefined) on.push(condition);
    else if (code !== undefined) grpcStatuses.push(code);
    else if (/^[45]\d\d$/.test(part)) statuses.push(Number(part));
    else {
      const words = [...CONDITIONS, ...GRPC_CONDITIONS.keys()].join(', ');
      return { ok: false, message: `'${part}' is none of ${words}, or a status from 400 to 599` };
    }
  }
  return { ok: true, value: { on, statuses, ...(grpcStatuses.length === 0 ? {} : { grpcStatuses }) } };
}
