import { isAbsolute, join } from 'node:path';
import { normalizeName } from '../owner-names.ts';
import type { ZoneDirectory, ZoneFileSource } from '../zone-files.ts';
import type { Block } from './corefile-settings.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** What a `file` or `auto` line leads to, or why to nothing. */
export type ImportedZoneFiles =
  | {
      readonly ok: true;
      readonly files: readonly ZoneFileSource[];
      readonly directories: readonly ZoneDirectory[];
      readonly left: readonly string[];
    }
  | { readonly ok: false; readonly problem: string };

/** `file PATH [ZONE...]`: files are looked at every few seconds whatever `reload` says. */
export function importFile(directive: CorefileDirective, place: Block): ImportedZoneFiles {
  const [path, ...own] = directive.args;
  if (path === undefined) return { ok: false, problem: 'names no file' };
  const zones = own.length > 0 ? own.map(normalizeName) : place.zones;
  const { clusterDomain } = place;
  const ours = zones.find(
    (zone) => clusterDomain !== undefined && (zone === clusterDomain || zone.endsWith(`.${clusterDomain}`)),
  );
  if (ours !== undefined) return { ok: false, problem: `names of ${ours} come from the cluster` };
  const file = pathOf(path, place);
  const left = directive.block.map(({ name }) => name).filter((name) => name !== 'reload' && name !== 'upstream');
  return { ok: true, files: zones.map((origin) => ({ origin, file })), directories: [], left };
}

/** `auto [ZONE...] { directory PATH [PATTERN ORIGIN] }`, with patterns of the form `PREFIX(.*)` and `{1}`. */
export function importAuto(directive: CorefileDirective, place: Block): ImportedZoneFiles {
  const line = directive.block.find(({ name }) => name === 'directory');
  const [path, pattern = 'db\\.(.*)', origin = '{1}'] = line?.args ?? [];
  if (path === undefined) return { ok: false, problem: 'names no directory' };
  const [, start] = /^\^?((?:[\w-]|\\\.)*)\(\.[*+]\)\$?$/.exec(pattern) ?? [];
  if (start === undefined || origin !== '{1}')
    return { ok: false, problem: `file names must be PREFIX(.*), origins {1}` };
  const named = directive.args.length > 0 ? directive.args.map(normalizeName) : place.zones;
  const within = named.includes('.') ? [] : named;
  const left = directive.block.map(({ name }) => name).filter((name) => name !== 'reload' && name !== 'directory');
  const prefix = start.replaceAll('\\.', '.');
  return { ok: true, files: [], directories: [{ directory: pathOf(path, place), prefix, within }], left };
}

function pathOf(path: string, { root }: Block): string {
  return isAbsolute(path) || root === undefined ? path : join(root, path);
}
