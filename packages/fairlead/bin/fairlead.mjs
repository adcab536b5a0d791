#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { enableCompileCache, registerHooks } from 'node:module';
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
const entry = existsSync(source) ? source : built;
// Our own modules name the file of each import. Having Node look for it, and for the package it belongs to, is a
// sixth of a start with its several hundred modules.
const own = new URL(entry === source ? '../../' : '../dist/', import.meta.url).href;
const format = entry === source ? 'module-typescript' : 'module';
const ending = entry === source ? '.ts' : '.js';
registerHooks?.({
  resolve(specifier, context, next) {
    if (specifier[0] !== '.' || !specifier.endsWith(ending) || !context.parentURL?.startsWith(own)) {
      return next(specifier, context);
    }
    return { url: new URL(specifier, context.parentURL).href, format, shortCircuit: true };
  },
});
const { main } = await import(entry);
process.exitCode = await main(process.argv.slice(2));
