import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { declare } from './libc.ts';

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collect: Collect | undefined;
let trim: ((padBytes: number) => number) | undefined;

/** glibc keeps what is freed; other C libraries do not have the function, nor the need. */
function mallocTrim(): (padBytes: number) => number {
  try {
    return declare<[number]>('int malloc_trim(size_t)');
  } catch {
    return () => 0;
  }
}

/**
 * Gives back the memory that a large load has left behind. By itself the engine lets the heap of a big machine
 * grow to several times of what is in use before it looks, and keeps a young generation of 64 MB. Takes
 * about 5 ms per MB in use, as one pause: only for a moment when nobody waits.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
  trim ??= mallocTrim();
  trim(0);
}
