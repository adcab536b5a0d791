import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Who may import whom (ARCHITECTURE.md). A folder may always import itself.
 * `*` at the end of a row means every folder of the program.
 */
const features = ['addresses', 'apiserver', 'controllers', 'node', 'services', 'dns', 'gateway'];
const shared = ['sys', 'telemetry', 'collections', 'routing', 'wire', 'regex', 'api', 'balance', 'client'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  api: [],
  balance: ['api'],
  client: ['api'],
  wire: [],
  regex: [],
  sys: [],
  reactor: ['sys', 'wire'],
  telemetry: ['sys'],
  collections: ['sys', 'api', 'client'],
  routing: ['sys', 'telemetry', 'collections', 'wire', 'regex', 'api', 'balance', 'client'],
  addresses: shared,
  apiserver: shared,
  controllers: shared,
  node: shared,
  services: [...shared, 'reactor'],
  dns: [...shared, 'reactor'],
  gateway: [...shared, 'reactor'],
  cli: [...shared, 'reactor', 'main', ...features],
  main: [...shared, 'reactor', 'cli', ...features],
};
const compileMayImport = ['api', 'routing', 'balance'];
const packagesFolder = fileURLToPath(new URL('../../../', import.meta.url));

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly specifier: string;
}

/** The folder of the table that a source file belongs to. */
function layerOf(path: string): string {
  const match = /^(?:fairlead\/src\/([^/]+)\/|(api|balance|client)\/)/.exec(relative(packagesFolder, path));
  return match?.[1] ?? match?.[2] ?? '';
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const [, specifier = ''] of text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g)) {
    let to: string | undefined;
    if (specifier.startsWith('.')) to = layerOf(join(dirname(file), specifier));
    else if (specifier.startsWith('@fairlead/')) to = specifier.split('/')[1];
    if (to !== undefined) found.push({ file, from: layerOf(file), to, specifier });
  }
  return found;
}

const sources = globSync('*/src/**/*.ts', { cwd: packagesFolder })
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => join(packagesFolder, file));
const imports = sources.flatMap(importsOf);
const show = (bad: readonly Import[]): string[] =>
  bad.map((entry) => `${relative(packagesFolder, entry.file)} imports ${entry.specifier}`);

test('the rule sees the sources', () => {
  assert.ok(sources.length > 40, `${sources.length} files`);
  const unknown = [...new Set(sources.map(layerOf))].filter((layer) => mayImport[layer] === undefined);
  assert.deepEqual(unknown, []);
});

test('folders import only what lies below them', () => {
  const bad = imports.filter(({ from, to }) => from !== to && mayImport[from]?.includes(to) !== true);
  assert.deepEqual(show(bad), []);
});

test('a compile.ts imports only api, routing, balance and its own program.ts', () => {
  const bad = imports.filter(({ file, from, to, specifier }) => {
    if (!/\/compile(-[a-z-]+)?\.ts$/.test(file)) return false;
    return from === to ? !specifier.startsWith('./') : !compileMayImport.includes(to);
  });
  assert.deepEqual(show(bad), []);
});

test('node:http is taken from sys/node-http.ts, except for its types', () => {
  const bad = sources.filter(
    (file) =>
      layerOf(file) !== 'sys' &&
      !/\/(testing|test-rig)\//.test(file) &&
      /^import (?!type )[^;]* from 'node:http';/m.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(
    bad.map((file) => relative(packagesFolder, file)),
    [],
  );
});

test('the CEL interpreter is taken from cel/cel-library.ts, except for its types', () => {
  const bad = sources.filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      /^import (?!type )[^;]* from '@marcbachmann\/cel-js';/m.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(
    bad.map((file) => relative(packagesFolder, file)),
    [],
  );
});

test('only sys loads the FFI library', () => {
  const bad = sources.filter((file) => layerOf(file) !== 'sys' && /from 'koffi'/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(
    bad.map((file) => relative(packagesFolder, file)),
    [],
  );
});

test('only sys reads the clock and the dice', () => {
  const banned = /\b(Date\.now|Math\.random)\(|(?<![.\w])(setTimeout|setInterval)\(|new Date\(\)/;
  const bad = sources.filter((file) => {
    const layer = layerOf(file);
    // The echo program stands alone; the client brings a default clock of its own.
    if (layer === 'sys' || file.includes('/node/echo/') || file.endsWith('/client/src/clock.ts')) return false;
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    return banned.test(code);
  });
  assert.deepEqual(
    bad.map((file) => relative(packagesFolder, file)),
    [],
  );
});

/** Vocabularies: whole lists of numbers, of which not every one is used. */
const vocabularies = [
  'api/src/types',
  'fairlead/src/sys/errno.ts',
  'fairlead/src/sys/linux-constants.ts',
  'fairlead/src/wire/http2/protocol.ts',
];

test('what a file exports is named by another file, or is of a published package', () => {
  const root = dirname(packagesFolder);
  const files = globSync(['{packages,bench,e2e,conformance}/**/*.{ts,mjs}', 'scripts/*.mjs'], {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  });
  const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const holders = new Map<string, number>();
  for (const text of texts.values()) {
    for (const word of new Set(text.match(/[A-Za-z_$][\w$]*/g))) holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  const published = [...texts].flatMap(([file, text]) =>
    file.endsWith('/index.ts')
      ? Array.from(text.matchAll(/^export \* from '\.\/(.*)';/gm), ([, name = '']) => join(dirname(file), name))
      : [],
  );
  const exempt = (file: string): boolean =>
    /\.test\.ts$|\.mjs$|\/index\.ts$/.test(file) ||
    published.includes(file) ||
    vocabularies.some((start) => file.startsWith(join('packages', start)));
  const dead: string[] = [];
  for (const [file, text] of texts) {
    if (exempt(file)) continue;
    const names = text.matchAll(/^export (?:abstract )?(?:async )?(const|function\*?|class|interface|type) (\w+)/gm);
    for (const [, kind = '', name = ''] of names) {
      // A type may be part of what the file exports beside it.
      const isPart = /interface|type/.test(kind) && text.split(new RegExp(`\\b${name}\\b`)).length > 2;
      if (holders.get(name) === 1 && !isPart) dead.push(`${file}: ${name}`);
    }
  }
  assert.deepEqual(dead, [], 'used by nobody: delete it, or only the word export');
});
