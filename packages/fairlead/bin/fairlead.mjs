#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname } from 'node:path';

const [major] = process.versions.node.split('.');
if (Number(major) < 24) {
  process.stderr.write(`fairlead needs Node.js 24 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}
const cache = enableCompileCache?.();
// Worker threads look for it in the environment; without it each of them translates its sources
// itself, which costs 35 MB.
if (cache?.directory !== undefined) process.env.NODE_COMPILE_CACHE ??= dirname(cache.directory);
// A clone runs its sources; the published package holds only the built files.
const source = new URL('../src/main/main.ts', import.meta.url);
const built = new URL('../dist/fairlead/main/main.js', import.meta.url);
const { main } = await import(existsSync(source) ? source : built);
process.exitCode = await main(process.argv.slice(2));
