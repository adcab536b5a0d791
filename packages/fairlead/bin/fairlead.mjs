#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

const [major] = process.versions.node.split('.');
if (Number(major) < 24) {
  process.stderr.write(`fairlead needs Node.js 24 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}
enableCompileCache?.();
const built = new URL('../dist/fairlead/main/main.js', import.meta.url);
const { main } = await import(existsSync(built) ? built : new URL('../src/main/main.ts', import.meta.url));
process.exitCode = await main(process.argv.slice(2));
