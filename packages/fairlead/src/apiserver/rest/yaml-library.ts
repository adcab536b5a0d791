import { createRequire } from 'node:module';

let library: typeof import('yaml') | undefined;

/** The YAML library, loaded by the first request that speaks YAML: it would cost the start some 30 ms. */
export function yamlLibrary(): typeof import('yaml') {
  library ??= createRequire(import.meta.url)('yaml') as typeof import('yaml');
  return library;
}
