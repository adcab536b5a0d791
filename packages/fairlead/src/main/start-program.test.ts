import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-bin-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const source = 'packages/fairlead/src/main/main.ts';
const answering = (answer: string): string =>
  `export const main = async () => { console.log(${JSON.stringify(answer)}); return 0; };\n`;

/** A clone with a program that says which of its forms runs. */
function makeClone(): string {
  const clone = mkdtempSync(join(folder, 'clone-'));
  const program = join(clone, 'packages/fairlead');
  mkdirSync(join(program, 'src/main'), { recursive: true });
  mkdirSync(join(program, 'dist'));
  const bin = fileURLToPath(new URL('../../bin', import.meta.url));
  cpSync(bin, join(program, 'bin'), { recursive: true });
  writeFileSync(join(clone, source), answering('sources'));
  writeFileSync(join(program, 'dist/package.json'), '{"type":"module"}');
  writeFileSync(join(program, 'dist/main.main.js'), answering('bundle'));
  return clone;
}

function noteSources(clone: string): void {
  const { mtimeMs, size } = statSync(join(clone, source));
  const noted = JSON.stringify([[source, mtimeMs, size]]);
  writeFileSync(join(clone, 'packages/fairlead/dist/sources.json'), noted);
}

const cases: readonly { name: string; wanted: string; change(clone: string): void; env?: Record<string, string> }[] = [
  { name: 'the bundle of the sources as they are', wanted: 'bundle', change: noteSources },
  { name: 'sources that nobody has bundled', wanted: 'sources', change() {} },
  {
    name: 'a source that has grown since',
    wanted: 'sources',
    change(clone) {
      noteSources(clone);
      const { atime, mtime } = statSync(join(clone, source));
      writeFileSync(join(clone, source), `${answering('sources')}\n`);
      utimesSync(join(clone, source), atime, mtime);
    },
  },
  {
    name: 'a source that was written since, to the same size',
    wanted: 'sources',
    change(clone) {
      noteSources(clone);
      utimesSync(join(clone, source), 1, 1);
    },
  },
  {
    name: 'a bundle whose note is torn',
    wanted: 'sources',
    change: (clone) => writeFileSync(join(clone, 'packages/fairlead/dist/sources.json'), '[["pack'),
  },
  {
    name: 'a package without sources',
    wanted: 'bundle',
    change: (clone) => rmSync(join(clone, 'packages/fairlead/src'), { recursive: true }),
  },
  {
    name: 'a role whose supervisor has looked',
    wanted: 'bundle',
    change() {},
    env: { FAIRLEAD_BUNDLE_CHECKED_BY: String(process.pid) },
  },
  {
    name: 'a program that inherited the note of a stranger',
    wanted: 'sources',
    change() {},
    env: { FAIRLEAD_BUNDLE_CHECKED_BY: '0' },
  },
];

for (const { name, wanted, change, env = {} } of cases) {
  test(`${name}: runs the ${wanted}`, () => {
    const clone = makeClone();
    change(clone);
    const program = join(clone, 'packages/fairlead/bin/fairlead.mjs');
    const done = spawnSync(process.execPath, [program], { encoding: 'utf8', env: { ...process.env, ...env } });
    assert.equal(done.stdout.trim(), wanted, done.stderr);
  });
}
