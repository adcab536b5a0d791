import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Clock } from './clock.ts';
import { collectHeap, limitYoungGeneration } from './heap.ts';

const lookEveryMs = 1_000;
/** Part of the time in which an idle process works. */
const idleUtilization = 0.1;
/** Growth that is worth a collection, in bytes. */
const worthwhileBytes = 16 * 1024 * 1024;
/** With more in use a collection would be a pause of a quarter of a second. */
const usedMaxBytes = 256 * 1024 * 1024;

/** What the collection looks at and does; replaced in tests. */
export interface MemoryUnderWatch {
  /** Bytes of the process that are resident, and bytes of the heap in use. */
  sizes(): { readonly resident: number; readonly heapUsed: number };
  /** Part of the time since the last call in which the thread was at work, 0 to 1. */
  utilization(): number;
  collect(): Promise<void>;
}

/**
 * Gives memory back after bursts, the start among them: once this thread has been idle for about a second and the process
 * has grown, garbage is collected and what is free goes back to the kernel. `youngBytes`: how far the young generation
 * may grow, see {@link limitYoungGeneration}. Returns the function that ends it.
 */
export function collectWhenIdle(
  clock: Clock,
  youngBytes: number,
  memory: MemoryUnderWatch = new OwnMemory(youngBytes),
): () => void {
  let settled = 0;
  let collecting = false;
  let cancel = (): void => {};
  const look = (): void => {
    cancel = clock.after(lookEveryMs, look);
    const utilization = memory.utilization();
    const { resident, heapUsed } = memory.sizes();
    const worthwhile = resident - settled >= worthwhileBytes && heapUsed <= usedMaxBytes;
    if (collecting || utilization > idleUtilization || !worthwhile) return;
    collecting = true;
    void memory.collect().finally(() => {
      collecting = false;
      settled = memory.sizes().resident;
      // The collection itself was no work of the thread.
      memory.utilization();
    });
  };
  cancel = clock.after(lookEveryMs, look);
  return () => cancel();
}

class OwnMemory implements MemoryUnderWatch {
  readonly #youngBytes: number;
  #last: EventLoopUtilization = performance.eventLoopUtilization();

  constructor(youngBytes: number) {
    this.#youngBytes = youngBytes;
    limitYoungGeneration(youngBytes);
  }

  sizes(): { readonly resident: number; readonly heapUsed: number } {
    const { rss, heapUsed } = process.memoryUsage();
    return { resident: rss, heapUsed };
  }

  utilization(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    return utilization;
  }

  /** The C library is asked only now, for the sake of starts; where there is no way to it, the heap is what can be done. */
  async collect(): Promise<void> {
    collectHeap();
    limitYoungGeneration(this.#youngBytes);
    const memory = await import('./memory.ts').catch(() => undefined);
    memory?.releaseFreeMemory();
    memory?.releaseProgramPages();
  }
}
