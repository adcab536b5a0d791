import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Runs statements in a process of its own and reads the number that they print. */
function numberOf(statements: string): number {
  const module = new URL('./memory.ts', import.meta.url).href;
  const script = `import * as memory from '${module}'; import { getHeapSpaceStatistics } from 'node:v8';
    const youngBytes = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
    ${statements}`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

const burst = `let kept = [];
  for (let round = 0; round < 60; round++) { kept = kept.slice(-40); kept.push(Array.from({ length: 20000 }, (_, n) => ({ n }))); }
  console.log(youngBytes());`;

test('a burst of objects grows the young generation, unless it is kept small', () => {
  const grown = numberOf(burst);
  const small = numberOf(`memory.keepYoungGenerationSmall(); ${burst}`);
  assert.ok(grown >= 4 * small, `${grown} ${small}`);
});

test('a heap that grows is collected early when asked to', () => {
  // Every round leaves as much garbage behind as it keeps; what counts is the height, not the end.
  const load = `let highest = 0; const kept = [];
    for (let round = 0; round < 400; round++) {
      const made = Array.from({ length: 4000 }, (_, n) => ({ n, next: { n } }));
      kept.push(made.slice(2000));
      globalThis.last = [made, globalThis.last?.[0]];
      highest = Math.max(highest, process.memoryUsage().heapUsed);
    }
    const live = (memory.collectGarbage(), process.memoryUsage().heapUsed);
    console.log((highest - live) / 1e6);`;
  const spare = numberOf(`memory.keepYoungGenerationSmall(); ${load}`);
  const early = numberOf(`memory.keepYoungGenerationSmall(); memory.collectGarbageEarly(); ${load}`);
  assert.ok(early < spare, `${early} ${spare}`);
});

test('freed memory of the allocator goes back to the kernel', (context) => {
  const header = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  if (header.glibcVersionRuntime === undefined) return context.skip('needs glibc: musl keeps no freed memory');
  // The last block is kept: freed ones before it cannot go by lowering the end of the heap.
  const released = numberOf(`
    const { declare } = await import('${new URL('./libc.ts', import.meta.url).href}');
    const malloc = declare('uintptr_t malloc(size_t)');
    const memset = declare('uintptr_t memset(uintptr_t, int, size_t)');
    const free = declare('void free(uintptr_t)');
    const blocks = Array.from({ length: 1000 }, () => memset(malloc(65536), 1, 65536));
    for (const block of blocks.slice(0, -1)) free(block);
    const before = process.memoryUsage.rss();
    memory.releaseFreeMemory();
    console.log(before - process.memoryUsage.rss());`);
  assert.ok(released > 30e6, String(released));
});

test('after a collection the heap is as small as what is in use', () => {
  const freed = numberOf(`
    let garbage = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
    const before = process.memoryUsage().heapTotal;
    garbage = undefined;
    memory.collectGarbage();
    console.log(before - process.memoryUsage().heapTotal);`);
  assert.ok(freed > 20e6, String(freed));
});
