import { createBalancer, Prequal, seededRandom } from '../../packages/balance/src/index.ts';
import { EventQueue, exponential } from './event-queue.ts';

const SERVERS = 50;
/** Mean work of a request, ms on one core. */
const WORK_MS = 20;
/** Cores that a server is promised. */
const ALLOCATED = 5;
/** Cores of its machine when the neighbours sleep. */
const WHOLE_MACHINE = 20;
/** Each sees its own requests only, but for what probes tell. */
const CLIENTS = 50;
/** Answers that a server remembers, and how many of them tell of the present. */
const REMEMBERED = 24;
const ALIKE = 5;
const DEADLINE_MS = 5_000;

/** A server on a shared machine: it has its allocation, and what the neighbours leave of the rest. */
class SharedServer {
  inFlight = 0;
  readonly #answers: { readonly inFlight: number; readonly latencyMs: number }[] = [];
  #answerAt = 0;
  #cores = ALLOCATED;
  /** Work that each request has got so far; requests end in order of the mark they began with. */
  #progress = 0;
  #sinceMs = 0;
  #round = 0;
  readonly #queue: EventQueue;
  readonly #jobs: { readonly endsAt: number; readonly done: () => void }[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  noteAnswer(inFlightAtStart: number, latencyMs: number): void {
    this.#answers[this.#answerAt] = { inFlight: inFlightAtStart, latencyMs };
    this.#answerAt = (this.#answerAt + 1) % REMEMBERED;
  }

  /** Median latency of the answers whose requests met about as many others as one would now. */
  get latencyMs(): number {
    const alike = this.#answers
      .toSorted((a, b) => Math.abs(a.inFlight - this.inFlight) - Math.abs(b.inFlight - this.inFlight))
      .slice(0, ALIKE)
      .map(({ latencyMs }) => latencyMs)
      .sort((a, b) => a - b);
    return alike[alike.length >> 1] ?? WORK_MS;
  }

  setCores(cores: number): void {
    this.#advance();
    this.#cores = cores;
    this.#schedule();
  }

  work(amountMs: number, done: () => void): void {
    this.#advance();
    const job = { endsAt: this.#progress + amountMs, done };
    const at = this.#jobs.findIndex(({ endsAt }) => endsAt > job.endsAt);
    this.#jobs.splice(at < 0 ? this.#jobs.length : at, 0, job);
    this.#schedule();
  }

  /** Requests share the cores; none gets more than one. */
  get #speed(): number {
    return this.#jobs.length === 0 ? 0 : Math.min(1, this.#cores / this.#jobs.length);
  }

  #advance(): void {
    this.#progress += (this.#queue.now - this.#sinceMs) * this.#speed;
    this.#sinceMs = this.#queue.now;
  }

  #schedule(): void {
    const round = ++this.#round;
    const first = this.#jobs[0];
    if (first === undefined) return;
    this.#queue.after(Math.max(0, (first.endsAt - this.#progress) / this.#speed), () => {
      if (round !== this.#round) return;
      this.#advance();
      this.#jobs.shift();
      this.#schedule();
      first.done();
    });
  }
}

/** What users saw. */
export interface OverloadFigures {
  readonly p99Ms: number;
  /** Share of requests that took longer than 5 s or never ended. */
  readonly failed: number;
}

/**
 * After Prequal's testbed (NSDI 2024, section 5): servers with neighbours that sleep and wake;
 * `load` is the mean demand relative to the allocation. Clients know nothing of each other. Round robin stands for weighted round robin on
 * equal machines, which balances CPU use and so knows nothing of what the neighbours leave.
 */
export function pastSaturation(
  kind: 'round-robin' | 'least-request' | 'prequal',
  load: number,
  seed: number,
  seconds: number = 8,
): OverloadFigures {
  const queue = new EventQueue();
  const random = seededRandom(seed);
  const servers = Array.from({ length: SERVERS }, () => new SharedServer(queue));
  for (const server of servers) {
    const change = (): void => {
      server.setCores(random() < 0.3 ? ALLOCATED : ALLOCATED + random() * (WHOLE_MACHINE - ALLOCATED));
      queue.after(exponential(2_000, random), change);
    };
    change();
  }
  const clients = Array.from({ length: CLIENTS }, () =>
    kind === 'prequal'
      ? new Prequal({ random, size: SERVERS })
      : createBalancer(kind, { weights: new Float64Array(SERVERS).fill(1), random }),
  );
  const latencies: number[] = [];
  let sent = 0;
  const endMs = seconds * 1000;
  const gapMs = WORK_MS / (load * ALLOCATED * SERVERS);
  const arrive = (): void => {
    if (queue.now > endMs) return;
    queue.after(exponential(gapMs, random), arrive);
    const client = clients[Math.floor(random() * CLIENTS)]!;
    const index = client instanceof Prequal ? client.pick(queue.now) : client.pick();
    const server = servers[index]!;
    const startedMs = queue.now;
    sent++;
    const met = server.inFlight++;
    if (!(client instanceof Prequal)) client.start(index);
    else {
      for (const target of client.probeTargets()) {
        // A probe takes a millisecond.
        queue.after(1, () => {
          client.addProbe(target, servers[target]!.inFlight, servers[target]!.latencyMs, queue.now);
        });
      }
    }
    server.work(exponential(WORK_MS, random), () => {
      server.inFlight--;
      if (!(client instanceof Prequal)) client.done(index);
      const latencyMs = queue.now - startedMs;
      server.noteAnswer(met, latencyMs);
      latencies.push(latencyMs);
    });
  };
  arrive();
  queue.run(endMs + DEADLINE_MS);
  const answered = latencies.filter((latency) => latency <= DEADLINE_MS).sort((a, b) => a - b);
  const failed = 1 - answered.length / sent;
  const at = Math.floor(0.99 * sent);
  return { p99Ms: at < answered.length ? answered[at]! : DEADLINE_MS, failed };
}
