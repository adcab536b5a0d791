import { goQuote } from '@fairlead/api/schema/field-cause';
import { recordOf } from '../watch/kube-object.ts';
import { type Json, listOf, objectOf, textOf } from './json-fields.ts';

/** A file that a volume makes, and what of, where that is not said before. */
interface VolumeFile {
  readonly path: string;
  readonly origin: string;
}

/** What a server remarks about files of one volume of which one hides the other. */
export function overlappingPathWarnings(spec: Json): string[] {
  return listOf(spec, 'volumes').flatMap((volume) => {
    const name = goQuote(textOf(volume, 'name'));
    const remark = (kind: string, files: readonly VolumeFile[]): string[] =>
      overlaps(files).map((pair) => `volume ${name} (${kind}): overlapping paths: ${pair}`);
    const config = objectOf(volume, 'configMap');
    const secret = objectOf(volume, 'secret');
    return [
      ...remark(`ConfigMap ${goQuote(textOf(config, 'name'))}`, itemsOf(config, '')),
      ...remark(`Secret ${goQuote(textOf(secret, 'secretName'))}`, itemsOf(secret, '')),
      ...remark('DownwardAPI', itemsOf(objectOf(volume, 'downwardAPI'), '')),
      ...projectedWarnings(objectOf(volume, 'projected'), name),
      ...remark('Projected', listOf(objectOf(volume, 'projected'), 'sources').flatMap(projectedFiles)),
    ];
  });
}

function projectedWarnings(projected: Json, name: string): string[] {
  return listOf(projected, 'sources')
    .filter((source) => Object.values(source).every((value) => recordOf(value) === undefined))
    .map(() => `volume ${name} (Projected) has no sources provided`);
}

/** Files of the first of the parts that a source has. */
function projectedFiles(source: Json): VolumeFile[] {
  const part = (name: string): Json | undefined => recordOf(source[name]);
  const config = part('configMap');
  if (config?.items !== undefined) return itemsOf(config, `ConfigMap ${goQuote(textOf(config, 'name'))}`);
  const secret = part('secret');
  if (secret?.items !== undefined) return itemsOf(secret, `Secret ${goQuote(textOf(secret, 'name'))}`);
  const downward = part('downwardAPI');
  if (downward?.items !== undefined) return itemsOf(downward, 'DownwardAPI');
  const token = part('serviceAccountToken');
  return token === undefined ? [] : [{ path: textOf(token, 'path'), origin: 'ServiceAccountToken' }];
}

function itemsOf(source: Json, origin: string): VolumeFile[] {
  return listOf(source, 'items').map((item) => ({ path: textOf(item, 'path'), origin }));
}

function overlaps(files: readonly VolumeFile[]): string[] {
  const found: string[] = [];
  const before: VolumeFile[] = [];
  for (const { path: given, origin } of files) {
    const file = { path: given.replace(/\/+$/, ''), origin };
    for (const other of before) {
      if (file.path === '' || other.path === '') continue;
      const [a, b] = [`${file.path}/`, `${other.path}/`];
      if (a.startsWith(b) || b.startsWith(a)) found.push(`${shown(file)} with ${shown(other)}`);
    }
    before.push(file);
  }
  return found;
}

function shown({ path, origin }: VolumeFile): string {
  return origin === '' ? goQuote(path) : `${goQuote(path)} (${origin})`;
}
