/**
 * Builds packages/fairlead/dist: the program, its workspace packages and the small libraries it loads at once,
 * bundled into one JavaScript file per entry and the pieces that entries share.
 *
 * Node reads, links and strips several hundred source files for each process it starts; of a bundle it reads some
 * forty. Programs and threads that the sources name by `new URL('./x.ts', import.meta.url)` are entries of their own.
 *
 *   node scripts/build.mjs                 anew, as a package is packed
 *   node scripts/build.mjs --if-possible   only when sources have changed; a failure is told and is none
 */
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'packages/fairlead/src');
const dist = join(root, 'packages/fairlead/dist');

/** `new URL('./worker.ts', import.meta.url)`: a file that is started, not imported. */
const startedFile = /new URL\('(\.{1,2}\/[^']+)\.ts', import\.meta\.url\)/g;

/** The name of an entry's output, without its ending: all outputs lie in one folder. */
function entryName(file) {
  return relative(sources, file).replace(/\.ts$/, '').replaceAll('/', '.');
}

/** What Node starts: the command line, and each file that a source names as a program or thread. */
function findEntries() {
  const entries = new Set([join(sources, 'main/main.ts')]);
  const testOnly = /\.test\.ts$|\/(test-rig|testing|testdata)\//;
  for (const file of globSync('**/*.ts', { cwd: sources })) {
    if (testOnly.test(file)) continue;
    const path = join(sources, file);
    for (const [, target] of readFileSync(path, 'utf8').matchAll(startedFile)) {
      entries.add(`${resolve(path, '..', target)}.ts`);
    }
  }
  return [...entries];
}

/** Points the addresses of started files at their outputs; notes in `read` what each source was when it was read. */
const startedFiles = (read) => ({
  name: 'started files',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      read.set(path, statSync(path));
      const text = readFileSync(path, 'utf8');
      const contents = text.replace(startedFile, (_, target) => {
        const name = entryName(`${resolve(path, '..', target)}.ts`);
        return `new URL('./${name}.js', import.meta.url)`;
      });
      return { contents, loader: 'ts' };
    });
  },
});

/** CommonJS libraries in a bundle ask for Node's own modules by `require`. */
const requireForLibraries = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;

/** Writes a file as a whole: who reads it meanwhile sees the old one or the new one. */
function writeWhole(path, contents) {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, path);
}

/**
 * Bundles into `dist`. `sources.json` comes last and says what the bundle was made of: `bin/fairlead.mjs` runs a
 * clone's sources when one of them is another than it was.
 */
async function bundle() {
  const { build } = await import('esbuild');
  const read = new Map();
  const done = await build({
    absWorkingDir: root,
    entryPoints: findEntries().map((file) => ({ in: file, out: entryName(file) })),
    outdir: dist,
    chunkNames: 'part-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Loaded only where they are needed, or not JavaScript.
    external: ['koffi', 'yaml', '@marcbachmann/cel-js'],
    banner: { js: requireForLibraries },
    plugins: [startedFiles(read)],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const inputs = Object.keys(done.metafile.inputs).map((path) => {
    const { mtimeMs, size } = read.get(join(root, path)) ?? statSync(join(root, path));
    return [path, mtimeMs, size];
  });
  mkdirSync(dist, { recursive: true });
  for (const { path, contents } of done.outputFiles) writeWhole(path, contents);
  cpSync(join(root, 'examples/shop.yaml'), join(dist, 'shop.yaml'));
  writeWhole(join(dist, 'sources.json'), JSON.stringify(inputs));
  return new Set(done.outputFiles.map(({ path }) => path));
}

/**
 * Removes what earlier bundles have left and this one does not have. It comes after the new files: a program that
 * runs from the bundle still loads parts of it, and starts threads from it.
 */
function removeOthers(outputs, olderThanMs) {
  const until = Date.now() - olderThanMs;
  for (const file of globSync('*.js', { cwd: dist })) {
    const path = join(dist, file);
    if (!outputs.has(path) && statSync(path).mtimeMs <= until) rmSync(path, { force: true });
  }
}

/** Whether the bundle is there and made of the sources as they are. */
function isFresh() {
  try {
    return JSON.parse(readFileSync(join(dist, 'sources.json'), 'utf8')).every(([path, mtimeMs, size]) => {
      const found = statSync(join(root, path));
      return found.mtimeMs === mtimeMs && found.size === size;
    });
  } catch {
    return false;
  }
}

if (process.argv.includes('--if-possible')) {
  try {
    // Parts of the last day may be wanted by a program that runs.
    if (!isFresh()) removeOthers(await bundle(), 86_400_000);
  } catch (error) {
    process.stderr.write(`fairlead: runs from its sources, which starts slower: ${error.message}\n`);
  }
} else {
  const outputs = await bundle();
  removeOthers(outputs, 0);
  for (const name of ['README.md', 'LICENSE']) cpSync(join(root, name), join(root, 'packages/fairlead', name));
  process.stdout.write(`built ${outputs.size} files\n`);
}
