/**
 * Builds packages/fairlead/dist: the program and its workspace packages as plain
 * JavaScript, which Node runs from an installed package (type stripping is off
 * inside node_modules). Types are replaced by blanks, so positions stay true.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { root } from './prepare.mjs';

const dist = join(root, 'packages/fairlead/dist');
const manifest = (name) => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));

/** `@fairlead/api/table` → dist/api/table.js, by the package's own export map. */
function resolveInternal(specifier) {
  const [, name, ...rest] = specifier.split('/');
  const key = rest.length === 0 ? '.' : `./${rest.join('/')}`;
  const { exports } = manifest(name);
  const target = exports[key] ?? exports['./*']?.replace('*', rest.join('/'));
  if (target === undefined) throw new Error(`${specifier}: not exported`);
  return join(dist, name, target.replace('./src/', '').replace(/\.ts$/, '.js'));
}

function build(file) {
  const [, name, path] = /^packages\/([^/]+)\/src\/(.+)$/.exec(relative(root, file));
  const out = join(dist, name, path.replace(/\.ts$/, '.js'));
  const code = stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'strip' })
    .replace(/(['"])(@fairlead\/[\w./-]+)\1/g, (_, quote, specifier) => {
      const path = relative(dirname(out), resolveInternal(specifier));
      return `${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`;
    })
    .replace(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, '$1$2.js$1');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, code);
}

rmSync(dist, { recursive: true, force: true });
const testOnly = /\.test\.ts$|\/(test-rig|testing|testdata)\//;
const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).filter((file) => !testOnly.test(file));
for (const file of sources) build(join(root, file));
cpSync(join(root, 'examples/shop.yaml'), join(dist, 'fairlead/main/shop.yaml'));
cpSync(join(root, 'README.md'), join(root, 'packages/fairlead/README.md'));
cpSync(join(root, 'LICENSE'), join(root, 'packages/fairlead/LICENSE'));
process.stdout.write(`built ${sources.length} modules\n`);
