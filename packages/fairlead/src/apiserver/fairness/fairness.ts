// Hot path: every request passes here.
import type { Clock } from '../../sys/clock.ts';
import type { ApiRequest } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { StatusError } from '../server/status-error.ts';
import { type Admission, FairLevel, type Refusal } from './fair-level.ts';
import { exemptLevel, flowDistinguisher, flowSchemas, priorityLevels } from './flow-schemas.ts';

/** Places for requests in work, and how long one waits for a place. */
export interface FairnessOptions {
  /** All places together. Default: 600, as a Kubernetes server's 400 reads and 200 writes. */
  readonly places?: number;
  /** Milliseconds in a queue. Default: 15 s, a quarter of a request's time. */
  readonly queueTimeoutMs?: number;
}

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
  readonly #levels: ReadonlyMap<string, FairLevel>;
  readonly #refused = new Map<string, number>();

  constructor(clock: Clock, { places = defaultPlaces, queueTimeoutMs = defaultQueueTimeoutMs }: FairnessOptions = {}) {
    const shares = priorityLevels.reduce((sum, level) => sum + level.shares, 0);
    const mayBorrow = (borrower: FairLevel, seats: number): boolean => this.#mayBorrow(borrower, seats);
    this.#levels = new Map(
      priorityLevels.map((level) => {
        const nominal = Math.max(1, Math.ceil((places * level.shares) / shares));
        return [level.name, new FairLevel(level, nominal, clock, queueTimeoutMs, mayBorrow)];
      }),
    );
  }

  /**
   * Takes a place, after a wait where there is none; throws 429 with `Retry-After`. `listed` is the number of objects
   * of a list. Call the result once when the request is over; `undefined`: nothing was taken.
   */
  enter(
    request: Pick<ApiRequest, 'user' | 'signal'>,
    wanted: RequestAttributes,
    listed: number,
  ): (() => void) | undefined | Promise<() => void> {
    const schema = flowSchemas.find((candidate) => candidate.matches(request.user, wanted))!;
    if (schema.level === exemptLevel) return undefined;
    const level = this.#levels.get(schema.level)!;
    const seats = Math.min(listSeatsMax, Math.max(1, Math.ceil(listed / objectsPerSeat)));
    const flow = `${schema.name}/${flowDistinguisher(schema, request.user, wanted)}`;
    const admission = level.enter(flow, seats, request.signal);
    if (admission instanceof Promise) return admission.then((decided) => this.#place(schema.name, decided));
    return this.#place(schema.name, admission);
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
      // What one level gives back another may have been waiting to borrow.
      for (const level of this.#levels.values()) if (level.waiting > 0) level.dispatch();
    };
  }

  #mayBorrow(borrower: FairLevel, seats: number): boolean {
    let lendable = 0;
    let borrowed = 0;
    for (const level of this.#levels.values()) {
      if (level !== borrower) lendable += level.lendable;
      borrowed += level.borrowed;
    }
    const more = Math.min(seats, borrower.seats + seats - borrower.nominal);
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
