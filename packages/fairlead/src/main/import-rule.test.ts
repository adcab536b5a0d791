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
