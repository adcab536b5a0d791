import { readFileSync } from 'node:fs';
import { engine } from './engine-kind.ts';
import { collectHeap } from './heap.ts';

/** Absent in a process without FFI. */
const libc = engine.kind === 'epoll' ? await import('./libc.ts') : undefined;

let trim: ((padBytes: number) => number) | undefined;
let advise: ((address: number, length: number, advice: number) => number) | undefined;
/** madvise(2). */
const MADV_DONTNEED = 4;

/**
 * Gives freed memory of the C library's allocator back to the kernel (malloc_trim(3)): after a burst of large buffers that
 * were outgrown. Takes milliseconds. Does nothing on musl, which keeps none, and without FFI.
 */
export function releaseFreeMemory(): void {
  trim ??= declareTrim();
  trim(0);
}

function declareTrim(): (padBytes: number) => number {
  try {
    return libc?.declare<[number]>('int malloc_trim(size_t)') ?? (() => 0);
  } catch {
    return () => 0;
  }
}

/**
 * Gives back what a large load has left behind, of the heap ({@link collectHeap}) and of the C library. Only for a moment
 * when nobody waits.
 */
export function collectGarbage(): void {
  collectHeap();
  releaseFreeMemory();
}

/**
 * Gives back the pages of the program's own file: what is used again comes back from the page cache, and what only the
 * start needed (a third of the binary's 80 MB is touched by then) does not. Only mappings that nobody can have written:
 * read-only ones without a page of their own. Does nothing where /proc is missing, and without FFI.
 */
export function releaseProgramPages(): void {
  if (libc === undefined) return;
  let maps: string;
  try {
    maps = readFileSync('/proc/self/smaps', 'latin1');
  } catch {
    return;
  }
  advise ??= libc.declare<[number, number, number]>('int madvise(uintptr_t, size_t, int)');
  for (const { start, end } of programMappings(maps, process.execPath)) {
    advise(start, end - start, MADV_DONTNEED);
  }
}

/** Address range of a mapping: from the first byte to the one after the last. */
interface MappedRange {
  readonly start: number;
  readonly end: number;
}

/** Mappings of a file in a text of /proc/PID/smaps that are not writable and hold nothing but the file's own bytes. */
export function programMappings(smaps: string, file: string): MappedRange[] {
  const found: MappedRange[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(.*)$/m.exec(block);
    if (head === null || head[3] !== file || !/^Anonymous: +0 kB$/m.test(block)) continue;
    found.push({ start: Number.parseInt(head[1]!, 16), end: Number.parseInt(head[2]!, 16) });
  }
  return found;
}
