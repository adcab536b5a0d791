import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { AnyObject } from './resource-lookup.ts';
import { UsageError } from './usage-error.ts';

/**
 * The objects of a manifest: YAML documents or JSON; a `List` counts as its items. Throws a
 * {@link UsageError} that names the source and the line, or the field that is missing.
 */
export function parseManifest(text: string, source: string): AnyObject[] {
  const objects: AnyObject[] = [];
  for (const document of parseAllDocuments(text, { merge: true })) {
    const [error] = document.errors;
    if (error !== undefined) throw new UsageError(`${source}: ${error.message.split('\n')[0]}`);
    const value: unknown = document.toJSON();
    if (value !== null && value !== undefined) addObject(value, source, objects);
  }
  return objects;
}

/** Manifests of files, of the `.yaml`, `.yml` and `.json` files of folders, or of stdin (`-`). */
export function readManifests(paths: readonly string[]): AnyObject[] {
  return paths.flatMap((path) => {
    if (path === '-') return parseManifest(readFileSync(0, 'utf8'), 'stdin');
    const files = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.(ya?ml|json)$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path];
    return files.flatMap((file) => parseManifest(readFileSync(file, 'utf8'), file));
  });
}

function addObject(value: unknown, source: string, into: AnyObject[]): void {
  const object = value as AnyObject & { readonly items?: unknown };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${source}: not an object`);
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof object[field] !== 'string') throw new UsageError(`${source}: ${field} not set`);
  }
  if (object.kind?.endsWith('List') === true && Array.isArray(object.items)) {
    for (const item of object.items) addObject(item, source, into);
    return;
  }
  if ((object.metadata?.name ?? '') === '') throw new UsageError(`${source}: ${object.kind}: metadata.name not set`);
  into.push(object);
}
