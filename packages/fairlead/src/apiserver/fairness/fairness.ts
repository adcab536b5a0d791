// Hot path: every request passes here.
import type { Clock } from '../../sys/clock.ts';
import type { ApiRequest, UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { StatusError } from '../server/status-error.ts';
import { type Admission, FairLevel, type Refusal } from './fair-level.ts';
import {
  defaultFlowConfig,
  type FlowConfig,
  type FlowSchema,
  flowDistinguisher,
  type PriorityLevel,
} from './flow-config.ts';

/** Places for requests in work, and how long one waits for a place. */
export interface FairnessOptions {
  /** All places together. Default: 600, as a Kubernetes server's 400 reads and 200 writes. */
  readonly places?: number;
  /** Milliseconds in a queue. Default: 15 s, a quarter of a request's time. */
  readonly queueTimeoutMs?: number;
}

/** What a request is taken for. */
export interface FlowClass {
  readonly schema: FlowSchema;
  readonly level: PriorityLevel;
}

const dumpHead = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
];
const defaultPlaces = 600;
const defaultQueueTimeoutMs = 15_000;
/** A list takes one place per this many objects, up to {@link listSeatsMax}. */
const objectsPerSeat = 100;
const listSeatsMax = 10;

/**
 * Priority and fairness (KEP-1040): each request gets a priority level by who asks for what. A level has its share of
 * the places and may use what others have left over; within a level, flows wait in shuffle-sharded queues.
 * Administrators and health checks never wait. Watches and other streams hold a place until they begin.
 */
export class Fairness {
  readonly #clock: Clock;
  readonly #places: number;
  readonly #queueTimeoutMs: number;
  #config: FlowConfig;
  #byName: ReadonlyMap<string, PriorityLevel> = new Map();
  #levels: ReadonlyMap<string, FairLevel> = new Map();
  /** Levels that are gone, in which requests still have places or wait. */
  #left: readonly FairLevel[] = [];
  readonly #refused = new Map<string, number>();

  constructor(clock: Clock, { places = defaultPlaces, queueTimeoutMs = defaultQueueTimeoutMs }: FairnessOptions = {}) {
    this.#clock = clock;
    this.#places = places;
    this.#queueTimeoutMs = queueTimeoutMs;
    this.#config = defaultFlowConfig();
    this.configure(this.#config);
  }

  /** Goes on with other schemas and levels; requests that have a place or wait for one are not disturbed. */
  configure(config: FlowConfig): void {
    const shares = config.levels.reduce((sum, level) => sum + level.shares, 0);
    const mayBorrow = (borrower: FairLevel, seats: number): boolean => this.#mayBorrow(borrower, seats);
    const levels = new Map<string, FairLevel>();
    for (const level of config.levels) {
      if (level.exempt) continue;
      const nominal = shares === 0 ? 0 : Math.ceil((this.#places * level.shares) / shares);
      const present = this.#levels.get(level.name);
      present?.reconfigure(level, nominal);
      levels.set(level.name, present ?? new FairLevel(level, nominal, this.#clock, this.#queueTimeoutMs, mayBorrow));
    }
    const gone = [...this.#levels].filter(([name]) => !levels.has(name)).map(([, level]) => level);
    this.#left = [...this.#left, ...gone].filter((level) => level.seats + level.waiting > 0);
    this.#levels = levels;
    this.#config = config;
    this.#byName = new Map(config.levels.map((level) => [level.name, level]));
    this.#dispatchAll();
  }

  /** The schema and level of a request. */
  classify(user: UserInfo, wanted: RequestAttributes): FlowClass {
    const { schemas, fallback } = this.#config;
    const schema = schemas.find((candidate) => candidate.matches(user, wanted)) ?? fallback;
    return { schema, level: this.#byName.get(schema.level)! };
  }

  /**
   * Takes a place, after a wait where there is none; throws 429 with `Retry-After`. `listed` is the number of objects
   * of a list. Call the result once when the request is over; `undefined`: nothing was taken.
   */
  enter(
    request: Pick<ApiRequest, 'user' | 'signal'>,
    wanted: RequestAttributes,
    listed: number,
    flow: FlowClass = this.classify(request.user, wanted),
  ): (() => void) | undefined | Promise<() => void> {
    const { schema } = flow;
    if (flow.level.exempt) return undefined;
    const level = this.#levels.get(schema.level)!;
    const seats = Math.min(listSeatsMax, Math.max(1, Math.ceil(listed / objectsPerSeat)));
    const name = `${schema.name}/${flowDistinguisher(schema, request.user, wanted)}`;
    const admission = level.enter(name, seats, request.signal);
    if (admission instanceof Promise) return admission.then((decided) => this.#place(schema.name, decided));
    return this.#place(schema.name, admission);
  }

  /** What each level has done, as lines of a table with a head; the form of a Kubernetes server. */
  dump(): string {
    const lines = [dumpHead];
    for (const [name, level] of [...this.#levels].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { activeQueues, dispatched, ended } = level.counts;
      const rejected = ended['concurrency-limit'] + ended['queue-full'];
      const idle = level.seats + level.waiting === 0;
      const counts = [level.waiting, level.seats, dispatched, rejected, ended['time-out'], ended.gone];
      lines.push([name, activeQueues, idle, false, ...counts].map(String));
    }
    const widths = dumpHead.map((_, column) => Math.max(8, ...lines.map((line) => line[column]!.length + 2)));
    const padded = (line: readonly string[]): string =>
      line.map((cell, column) => `${cell},`.padEnd(widths[column]!)).join('');
    return lines.map((line) => `${padded(line).trimEnd()}\n`).join('');
  }

  /** Metrics under the names of a Kubernetes server. */
  metrics(): string[] {
    const lines = ['# TYPE apiserver_flowcontrol_current_executing_seats gauge'];
    for (const [name, level] of this.#levels) {
      lines.push(`apiserver_flowcontrol_current_executing_seats{priority_level="${name}"} ${level.seats}`);
    }
    lines.push('# TYPE apiserver_flowcontrol_current_inqueue_requests gauge');
    for (const [name, level] of this.#levels) {
      lines.push(`apiserver_flowcontrol_current_inqueue_requests{priority_level="${name}"} ${level.waiting}`);
    }
    lines.push('# TYPE apiserver_flowcontrol_rejected_requests_total counter');
    for (const [labels, count] of this.#refused) {
      lines.push(`apiserver_flowcontrol_rejected_requests_total{${labels}} ${count}`);
    }
    return lines;
  }

  #place(schema: string, admission: Admission): () => void {
    if (!admission.ok) throw this.#refusal(schema, admission.reason);
    return () => {
      admission.leave();
      this.#dispatchAll();
    };
  }

  /** What one level gives back another may have been waiting to borrow. */
  #dispatchAll(): void {
    for (const level of this.#levels.values()) if (level.waiting > 0) level.dispatch();
    if (this.#left.length === 0) return;
    for (const level of this.#left) level.dispatch();
    this.#left = this.#left.filter((level) => level.seats + level.waiting > 0);
  }

  #mayBorrow(borrower: FairLevel, seats: number): boolean {
    let lendable = 0;
    let borrowed = 0;
    for (const level of this.#levels.values()) {
      if (level !== borrower) lendable += level.lendable;
      borrowed += level.borrowed;
    }
    const more = Math.min(seats, borrower.seats + seats - borrower.nominal);
    if (!borrower.mayHaveBorrowed(borrower.borrowed + more)) return false;
    return borrowed + more <= lendable;
  }

  #refusal(schema: string, reason: Refusal): StatusError {
    const labels = `flow_schema="${schema}",reason="${reason}"`;
    this.#refused.set(labels, (this.#refused.get(labels) ?? 0) + 1);
    return new StatusError(
      429,
      'TooManyRequests',
      'Too many requests, please try again later.',
      { retryAfterSeconds: 1 },
      { headers: { 'retry-after': '1' } },
    );
  }
}
