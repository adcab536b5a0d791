#!/usr/bin/env node
import { existsSync, readFileSync, statSync } from 'node:fs';
import { enableCompileCache, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major] = process.versions.node.split('.');
if (Number(major) < 24) {
  process.stderr.write(`fairlead needs Node.js 24 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}
const cache = enableCompileCache?.();
// Worker threads look for it in the environment; without it each of them translates its sources
// itself, which costs 35 MB.
if (cache?.directory !== undefined) process.env.NODE_COMPILE_CACHE ??= dirname(cache.directory);
const source = new URL('../src/main/main.ts', import.meta.url);
const built = new URL('../dist/main.main.js', import.meta.url);

/** Whether the bundle was made of the sources as they are; some ms, where running the sources costs a hundred. */
function isBundleFresh() {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  try {
    const sources = JSON.parse(readFileSync(new URL('../dist/sources.json', import.meta.url), 'utf8'));
    return sources.every(([path, mtimeMs, size]) => {
      const found = statSync(join(root, path), { throwIfNoEntry: false });
      return found?.mtimeMs === mtimeMs && found.size === size;
    });
  } catch {
    return false;
  }
}

/** Our own modules name the file of each import: Node need not look for it, nor for the package it belongs to. */
function resolveOwnModules() {
  const own = new URL('../../', import.meta.url).href;
  registerHooks?.({
    resolve(specifier, context, next) {
      if (specifier[0] !== '.' || !specifier.endsWith('.ts') || !context.parentURL?.startsWith(own)) {
        return next(specifier, context);
      }
      return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true };
    },
  });
}

// The published package holds only the bundle; a clone runs its sources where they have changed since. The roles of
// one system need not look again: their supervisor has.
const checkedBy = 'FAIRLEAD_BUNDLE_CHECKED_BY';
const isChecked = process.env[checkedBy] === String(process.ppid) || !existsSync(source);
const runsSources = !isChecked && !isBundleFresh();
if (runsSources) resolveOwnModules();
else process.env[checkedBy] = String(process.pid);
const { main } = await import(runsSources ? source : built);
process.exitCode = await main(process.argv.slice(2));
