import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { programMappings } from './memory.ts';

/** Runs statements in a process of its own, with flags for Node, and reads the number that they print. */
function numberOf(statements: string, ...flags: readonly string[]): number {
  const [memory, heap] = ['./memory.ts', './heap.ts'].map((file) => new URL(file, import.meta.url).href);
  const script = `import * as memory from '${memory}'; import * as heap from '${heap}'; import { getHeapSpaceStatistics } from 'node:v8';
    const youngBytes = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
    ${statements}`;
  return Number(execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], { encoding: 'utf8' }));
}

const burst = `let kept = [];
  for (let round = 0; round < 60; round++) { kept = kept.slice(-40); kept.push(Array.from({ length: 20000 }, (_, n) => ({ n }))); }
  console.log(youngBytes());`;

test('a burst of objects grows the young generation, unless it is kept small', () => {
  const grown = numberOf(burst);
  const small = numberOf(`heap.keepYoungGenerationSmall(); ${burst}`);
  assert.ok(grown >= 2 * small, `${grown} ${small}`);
});

test('the young generation grows up to a limit, also again after a collection', () => {
  const burst = (variable: string) => `let ${variable} = [];
    for (let round = 0; round < 600; round++) {
      ${variable} = ${variable}.slice(-40);
      ${variable}.push(Array.from({ length: 2000 }, (_, n) => ({ n })));
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }`;
  const script = `heap.limitYoungGeneration(8e6); ${burst('first')} const once = youngBytes();
    heap.collectHeap(); heap.limitYoungGeneration(8e6); ${burst('second')} const again = youngBytes();
    console.log(Math.min(once, again) >= 8e6 ? Math.max(once, again) : 0);`;
  const size = numberOf(script);
  assert.ok(size > 0 && size < 40e6, String(size));
});

test('a heap that grows is collected early when asked to', () => {
  // Every round leaves as much garbage behind as it keeps, and that only when it is old; what counts is the height.
  const load = `let highest = 0; const kept = []; let recent = [];
    for (let round = 0; round < 400; round++) {
      const made = Array.from({ length: 4000 }, (_, n) => ({ n, next: { n } }));
      kept.push(made.slice(2000));
      recent = [...recent.slice(-40), made];
      highest = Math.max(highest, process.memoryUsage().heapUsed);
    }
    recent = [];
    const live = (memory.collectGarbage(), process.memoryUsage().heapUsed);
    console.log((highest - live) / 1e6);`;
  // With helper threads the height depends on when these get a processor.
  const alone = '--single-threaded-gc';
  const spare = numberOf(`heap.keepYoungGenerationSmall(); ${load}`, alone);
  const early = numberOf(`heap.keepYoungGenerationSmall(); heap.collectGarbageEarly(); ${load}`, alone);
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

const linux = process.platform === 'linux' ? false : 'needs /proc';

test('pages of the program go back and come again', { skip: linux }, () => {
  const released = numberOf(`
    const { readFileSync } = await import('node:fs');
    const ofFile = () => Number(/^RssFile:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
    const before = ofFile();
    memory.releaseProgramPages();
    const after = ofFile();
    // Everything still works.
    const { createHash } = await import('node:crypto');
    createHash('sha256').update(JSON.stringify(process.report.getReport())).digest();
    console.log(before - after);`);
  assert.ok(released > 10_000, `${released} kB`);
});

const block = (head: string, anonymousKb: number): string => `${head}
Size:               2132 kB
Rss:                2112 kB
Anonymous:          ${String(anonymousKb).padStart(4)} kB
VmFlags: rd ex mr mw me sd
`;

const mappings: readonly { readonly name: string; readonly text: string; readonly found: number }[] = [
  { name: 'text', text: block('00400000-00401000 r-xp 00000000 fe:00 1 /opt/node', 0), found: 1 },
  { name: 'constants', text: block('00400000-00401000 r--p 00000000 fe:00 1 /opt/node', 0), found: 1 },
  {
    name: 'relocated constants: the file has other bytes',
    text: block('00400000-00401000 r--p 00000000 fe:00 1 /opt/node', 24),
    found: 0,
  },
  { name: 'data', text: block('00400000-00401000 rw-p 00000000 fe:00 1 /opt/node', 0), found: 0 },
  { name: 'another file', text: block('00400000-00401000 r-xp 00000000 fe:00 1 /opt/node.old', 0), found: 0 },
  { name: 'no file', text: block('00400000-00401000 r-xp 00000000 00:00 0 ', 0), found: 0 },
  {
    name: 'among others',
    text:
      block('00400000-00401000 rw-p 00000000 00:00 0 ', 4) +
      block('00500000-00502000 r-xp 00000000 fe:00 1 /opt/node', 0) +
      block('00600000-00601000 r--p 00000000 fe:00 1 /opt/node', 8),
    found: 1,
  },
];

for (const { name, text, found } of mappings) {
  test(`mappings whose pages may go: ${name}`, () => {
    assert.equal(programMappings(text, '/opt/node').length, found);
  });
}
