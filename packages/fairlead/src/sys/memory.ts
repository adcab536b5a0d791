import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { declare } from './libc.ts';

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collect: Collect | undefined;
let trim: ((padBytes: number) => number) | undefined;

/**
 * Keeps V8's young generation at the size that it has now. It grows to 64 MiB under a burst of short-lived objects, e.g. a
 * first load, and those pages stay with the process. For processes whose steady state makes little garbage.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
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
 * Gives freed memory of the C library's allocator back to the kernel (malloc_trim(3)): after a burst of large buffers that
 * were outgrown. Takes milliseconds. Does nothing on musl, which keeps none.
 */
export function releaseFreeMemory(): void {
  trim ??= declareTrim();
  trim(0);
}

function declareTrim(): (padBytes: number) => number {
  try {
    return declare<[number]>('int malloc_trim(size_t)');
  } catch {
    return () => 0;
  }
}

/**
 * Gives back what a large load has left behind. By itself the engine lets the heap of a big machine grow to several
 * times of what is in use before it looks. Takes some milliseconds per MB in use, as one pause: only for a moment
 * when nobody waits.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
  releaseFreeMemory();
}
