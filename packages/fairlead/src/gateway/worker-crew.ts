import { createMetricsMemory, type GatewayStats, sumMetrics } from './gateway-metrics.ts';
import type { WorkerHandle } from './worker-handle.ts';

/**
 * The workers of a gateway: one in each place, those that are about to take a place, and those that have left theirs and
 * let their requests end. They differ in what they are told:
 *
 *     joining ──▶ placed ──▶ draining ──▶ gone
 *     └─ all: keys, tickets, series … ─┘
 *                └─ running: routes ──┘
 */
export class WorkerCrew {
  readonly #places: WorkerHandle[] = [];
  readonly #joining: Set<WorkerHandle> = new Set();
  readonly #draining: Set<WorkerHandle> = new Set();
  /** What those counted that are gone. */
  readonly #past: SharedArrayBuffer = createMetricsMemory();

  /** How many places there are. */
  get size(): number {
    return this.#places.length;
  }

  all(): readonly WorkerHandle[] {
    return [...this.#places, ...this.#joining, ...this.#draining];
  }

  running(): readonly WorkerHandle[] {
    return [...this.#places, ...this.#draining];
  }

  /** Whether it has a place. */
  isPlaced(worker: WorkerHandle): boolean {
    return this.#places[worker.index] === worker;
  }

  join(worker: WorkerHandle): void {
    this.#joining.add(worker);
  }

  /** Takes its place; returns the one who had it, whom the crew forgets. */
  place(worker: WorkerHandle): WorkerHandle | undefined {
    const before = this.#places[worker.index];
    this.#joining.delete(worker);
    this.#places[worker.index] = worker;
    return before;
  }

  /** It does not join after all. */
  async dismiss(worker: WorkerHandle): Promise<void> {
    this.#joining.delete(worker);
    await worker.stop(0);
  }

  /** Lets a worker without a place end its requests, at the latest after `drainMs`. */
  async retire(worker: WorkerHandle, drainMs: number): Promise<void> {
    this.#draining.add(worker);
    await worker.stop(drainMs);
    this.#draining.delete(worker);
    const past = new Float64Array(this.#past);
    new Float64Array(worker.metrics).forEach((value, index) => {
      past[index]! += value;
    });
  }

  async stop(drainMs: number): Promise<void> {
    await Promise.all(this.all().map((worker) => worker.stop(drainMs)));
  }

  stats(): GatewayStats {
    return sumMetrics([...this.running().map(({ metrics }) => metrics), this.#past], this.size);
  }
}
