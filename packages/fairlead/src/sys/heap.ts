import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collect: Collect | undefined;

/**
 * Keeps V8's young generation at the size that it has now. It grows to 64 MiB under a burst of short-lived objects, e.g. a
 * first load, and those pages stay with the process. For processes whose steady state makes little garbage.
 */
export function keepYoungGenerationSmall(): void {
  setGrowthFactor(1);
}

/** Growth of the heap between two collections. 250,000 endpoints then cost a quarter more CPU to load, and 100 MB less. */
const heapGrowthPercent = 30;

/**
 * Has the engine collect garbage whenever the heap has grown by three tenths, and not only when it has doubled: the height
 * of a large load stays near what is in use. For processes whose steady state makes little garbage.
 */
export function collectGarbageEarly(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
}

/**
 * Lets the young generation grow up to about a size, in bytes, and no further. A small one costs nothing as long as most
 * of what a request makes is dead when the next one comes. Called again after a collection that has shrunk it.
 */
export function limitYoungGeneration(limitBytes: number): void {
  const settle = (): boolean => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    const reached = (space?.space_size ?? 0) >= limitBytes;
    setGrowthFactor(reached ? 1 : 2);
    return reached;
  };
  if (settle()) return;
  const observer = new PerformanceObserver(() => {
    if (settle()) observer.disconnect();
  });
  observer.observe({ type: 'gc' });
}

/**
 * Has the main thread clean the young generation alone. The engine's helpers save nothing on some megabytes, and on a machine
 * whose processors are busy the thread waits until each of them has had its turn: pauses are twice as long.
 */
export function cleanYoungGenerationAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Frees what nobody holds any more and gives its pages back. By itself the engine lets the heap of a big machine grow to
 * several times of what is in use before it looks. Takes about a millisecond per MB in use, as one pause: only for a
 * moment when nobody waits.
 */
export function collectHeap(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
}

function setGrowthFactor(factor: 1 | 2): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}
