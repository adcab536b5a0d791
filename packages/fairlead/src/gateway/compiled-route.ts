// Hot path: matching compares bytes of the request with bytes compiled here.
import { isDeepStrictEqual } from 'node:util';
import { compileRegex, type LinearRegex } from '../regex/linear-regex.ts';
import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from '../routing/route-policies.ts';
import type { HeaderEdit, NamedMatch, Route, RouteSource } from '../routing/route-table.ts';
import { equalsLower, FIELD_VALUE, TOKEN } from '../wire/http1/byte-class.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import type { CompiledFilter } from './filters/filter.ts';
import { pathRewriter } from './path-rewrite.ts';
import type { PathKey } from './route-index.ts';
import { OTHER_SLOT } from './traffic/traffic-memory.ts';

const HOST = Buffer.from('host');

/** Header edits as lines to append and names to drop. */
export interface CompiledEdit {
  /** Ready lines, each with its CRLF. */
  readonly lines: Buffer;
  /** The same as fields of HTTP/2, without Host. */
  readonly fields: FieldList;
  /** Value of the Host that takes the place of the request's. */
  readonly host: Buffer | undefined;
  /** Lower-case names to drop first. */
  readonly dropped: readonly Buffer[];
  /** The edit replaces or removes Host. */
  readonly dropsHost: boolean;
}

/** Fields that frame a message or belong to one hop: edits of them are ignored. */
const UNTOUCHABLE = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
]);

/** Compiles a header edit; undefined when it changes nothing. Entries with bytes that cannot be in a field are left out. */
function compileEdit(edit: HeaderEdit | undefined): CompiledEdit | undefined {
  if (edit === undefined) return undefined;
  const usable = ([name, value]: readonly [string, string]): boolean =>
    isFieldName(name) && !UNTOUCHABLE.has(name) && Buffer.from(value).every((byte) => FIELD_VALUE[byte] === 1);
  const set = edit.set.filter(usable);
  const lines = [...set, ...edit.add.filter(usable)].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const removed = edit.remove.filter((name) => isFieldName(name) && !UNTOUCHABLE.has(name));
  const dropped = [...set.map(([name]) => name), ...removed];
  if (lines === '' && dropped.length === 0) return undefined;
  const fields = new FieldList();
  fields.addLines(Buffer.from(lines));
  const host = fields.find(HOST);
  const hostValue = host < 0 ? undefined : Buffer.from(fields.bytes.slice(fields.value(host), fields.end(host)));
  fields.keepOnly((bytes, start, end) => !equalsLower(bytes, start, end, HOST));
  return {
    lines: Buffer.from(lines),
    fields: fields.compact(),
    host: hostValue,
    dropped: dropped.map((name) => Buffer.from(name, 'latin1')),
    // Removing Host would leave the upstream without one; only replacing it is possible.
    dropsHost: set.some(([name]) => name === 'host'),
  };
}

function isFieldName(name: string): boolean {
  return name !== '' && Buffer.from(name).every((byte) => TOKEN[byte] === 1);
}

const EXACT = 0;
const PREFIX = 1;
const REGEX = 2;

/** A route ready to run. Requests in flight hold it, so it never changes. */
export class CompiledRoute {
  readonly source: RouteSource;
  /** The source in words, for the access log. */
  readonly label: string;
  readonly action: Route['action'];
  readonly requestEdit: CompiledEdit | undefined;
  readonly responseEdit: CompiledEdit | undefined;
  readonly pathRewrite: ((path: string) => string | undefined) | undefined;
  /** Path of the match without a trailing slash (for prefix replacement). */
  readonly matchedPrefix: string;
  readonly backends: readonly BackendRuntime[];
  /** Running sums of the weights. */
  readonly weightSums: readonly number[];
  readonly requestMs: number;
  readonly connectMs: number;
  readonly idleMs: number;
  readonly tryMs: number;
  readonly retry: RetryPolicy;
  /** Statuses below 500 may be retried too. */
  readonly retriesStatus: boolean;
  /** What a request passes before an endpoint is chosen. */
  readonly filters: readonly CompiledFilter[] | undefined;
  /** What {@link filters} were made of. */
  readonly #filterData: Route['filters'];
  /** Where requests are counted, by backend. */
  readonly #series: readonly number[];
  readonly #ownSeries: number;
  readonly #pathType: number;
  readonly #path: Buffer;
  readonly #regex: LinearRegex | undefined;
  readonly #method: Buffer | undefined;
  readonly #headers: readonly CompiledNamed[];
  readonly #query: readonly CompiledNamed[];

  constructor(
    route: Route,
    backend: (key: string) => BackendRuntime,
    filters: readonly CompiledFilter[] | undefined = undefined,
    series: (backend: string) => number = () => OTHER_SLOT,
  ) {
    this.#ownSeries = series('');
    this.#filterData = route.filters;
    this.filters = filters;
    this.source = route.source;
    this.label = `${route.source.kind} ${route.source.namespace}/${route.source.name}`;
    this.action = route.action;
    this.requestEdit = compileEdit(route.requestHeaders);
    this.responseEdit = compileEdit(route.responseHeaders);
    const { path, method, headers, query } = route.match;
    this.#pathType = path.type === 'exact' ? EXACT : path.type === 'prefix' ? PREFIX : REGEX;
    // Element-wise: "/a/" and "/a" are the same prefix; "/" is the empty one.
    const value = path.type === 'prefix' ? path.value.replace(/\/+$/, '') : path.value;
    this.matchedPrefix = path.type === 'prefix' ? value : '';
    this.pathRewrite = pathRewriter(route.pathRewrite, this.matchedPrefix);
    this.#path = Buffer.from(value);
    this.#regex = path.type === 'regex' ? checkedRegex(path.value) : undefined;
    this.#method = method === undefined ? undefined : Buffer.from(method);
    this.#headers = headers.map(compileNamed);
    this.#query = query.map(compileNamed);
    const weighted = route.action.type === 'forward' ? route.action.backends.filter((entry) => entry.weight > 0) : [];
    this.backends = weighted.map((entry) => backend(entry.backend));
    this.#series = weighted.map((entry) => series(entry.backend));
    let sum = 0;
    this.weightSums = weighted.map((entry) => {
      sum += entry.weight;
      return sum;
    });
    const ms = (timeout: number | 'off'): number => (timeout === 'off' ? Infinity : timeout);
    this.requestMs = ms(route.timeouts.requestMs);
    this.connectMs = ms(route.timeouts.connectMs);
    this.idleMs = ms(route.timeouts.idleMs);
    this.tryMs = ms(route.timeouts.tryMs ?? 'off');
    this.retry = route.retry ?? DEFAULT_RETRY;
    this.retriesStatus = this.retry.statuses.some((status) => status < 500);
  }

  /** Where a request is counted that went to `backend`, or to none. */
  seriesOf(backend: BackendRuntime | undefined): number {
    const { backends } = this;
    for (let i = 0; i < backends.length; i++) if (backends[i] === backend) return this.#series[i]!;
    return this.#ownSeries;
  }

  /** Whether a failure without an answer may be retried. */
  retriesOn(condition: RetryCondition): boolean {
    const { on } = this.retry;
    if (on.includes(condition)) return true;
    // As Envoy: who retries on 5xx means every failure; a try out of time is a 504, a reset a 502 to the client.
    return (condition === 'try-timeout' && on.includes('gateway-error')) || on.includes('5xx');
  }

  /** Whether an answer with this status may be retried. */
  retriesOnStatus(status: number): boolean {
    const { on, statuses } = this.retry;
    if (statuses.includes(status)) return true;
    if (status < 500) return false;
    return on.includes('5xx') || (status >= 502 && status <= 504 && on.includes('gateway-error'));
  }

  /** Whether an answer that is nothing but this gRPC code may be retried. */
  retriesOnGrpc(code: number): boolean {
    return this.retry.grpcStatuses?.includes(code) === true;
  }

  /** Matches one path only. */
  get isExact(): boolean {
    return this.#pathType === EXACT;
  }

  /** Whether it has the same owner and does the same to requests as another route; not on the hot path. */
  guardsLike(other: CompiledRoute): boolean {
    return this.label === other.label && isDeepStrictEqual(this.#filterData, other.#filterData);
  }

  /** What a {@link RouteIndex} files it under. */
  get pathKey(): PathKey {
    const kind = this.#pathType === EXACT ? 'exact' : this.#pathType === PREFIX ? 'prefix' : 'any';
    return { kind, path: this.#path };
  }

  /** Whether the request with path `pathBytes[start, end)` takes this route. */
  matches(head: RequestHead, pathBytes: Uint8Array, start: number, end: number): boolean {
    const path = this.#path;
    const length = path.length;
    switch (this.#pathType) {
      case EXACT:
        if (end - start !== length) return false;
        break;
      case PREFIX:
        if (end - start < length) return false;
        if (end - start > length && pathBytes[start + length] !== 47) return false;
        break;
      default:
        if (!this.#regex!.test(pathBytes, start, end)) return false;
    }
    if (this.#pathType !== REGEX) {
      for (let i = 0; i < length; i++) if (pathBytes[start + i] !== path[i]) return false;
    }
    if (this.#method !== undefined && !this.#methodMatches(head, this.#method)) return false;
    if (this.#headers.length > 0 && !this.#headers.every((match) => headerMatches(head, match))) return false;
    return this.#query.length === 0 || this.#queryMatches(head);
  }

  #methodMatches(head: RequestHead, method: Buffer): boolean {
    if (head.methodEnd - head.methodStart !== method.length) return false;
    for (let i = 0; i < method.length; i++) {
      if (head.bytes[head.base + head.methodStart + i] !== method[i]) return false;
    }
    return true;
  }

  #queryMatches(head: RequestHead): boolean {
    const text = Buffer.from(head.bytes.subarray(head.base + head.pathEnd, head.base + head.targetEnd)).toString(
      'latin1',
    );
    const parameters = new URLSearchParams(text);
    return this.#query.every((match) => {
      const value = parameters.get(match.name.toString());
      return value !== null && valueMatches(match, value);
    });
  }
}

interface CompiledNamed {
  readonly name: Buffer;
  readonly type: NamedMatch['type'];
  readonly value: string;
  readonly regex: LinearRegex | undefined;
}

function compileNamed(match: NamedMatch): CompiledNamed {
  const regex = match.type === 'regex' ? checkedRegex(match.value) : undefined;
  return { name: Buffer.from(match.name), type: match.type, value: match.value, regex };
}

function valueMatches(match: CompiledNamed, value: string): boolean {
  if (match.type === 'present') return true;
  return match.regex === undefined ? value === match.value : match.regex.testText(value);
}

/** @throws Error for a pattern that is refused: the compilers should have told. */
function checkedRegex(pattern: string): LinearRegex {
  const result = compileRegex(pattern);
  if (!result.ok) throw new Error(`regular expression ${result.problem}`);
  return result.regex;
}

/** Several fields of one name count as one value joined with commas (RFC 9110 5.3). */
function headerMatches(head: RequestHead, match: CompiledNamed): boolean {
  let joined: string | undefined;
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, match.name)) continue;
    const value = Buffer.from(head.bytes.subarray(head.valueStart(index), head.valueEnd(index))).toString('latin1');
    joined = joined === undefined ? value : `${joined},${value}`;
  }
  return joined !== undefined && valueMatches(match, joined);
}
