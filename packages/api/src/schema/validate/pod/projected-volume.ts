import { type FieldCause, forbidden, invalid, required } from '../../field-cause.ts';
import { type JsonObject, numberIn, objectsIn, textIn } from '../fields.ts';
import { validateDownwardFile } from './downward-api.ts';
import { checkFilePath } from './paths.ts';
import { givenObject } from './pod-context.ts';
import { checkTexts, validateKeyToPath } from './volume-files.ts';

const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

/** Checks the sources of a projected volume, and that no two of them make the same file. */
export function validateProjectedVolume(volume: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const paths = new Set<string>();
  const claim = (path: string, shown: string): void => {
    if (path === '') return;
    if (paths.has(path)) causes.push(invalid(field, shown, 'conflicting duplicate paths'));
    paths.add(path);
  };
  for (const [index, source] of objectsIn(volume, 'sources').entries()) {
    const place = `${field}.sources[${index}]`;
    let count = 0;
    for (const kind of ['secret', 'configMap']) {
      const files = givenObject(source, kind);
      if (files === undefined) continue;
      count++;
      causes.push(...checkTexts(files, `${place}.${kind}`, ['name']));
      for (const [at, item] of objectsIn(files, 'items').entries()) {
        causes.push(...validateKeyToPath(item, `${place}.${kind}.items[${at}]`));
        claim(textIn(item, 'path'), textIn(files, 'name'));
      }
    }
    const downward = givenObject(source, 'downwardAPI');
    if (downward !== undefined) {
      count++;
      for (const item of objectsIn(downward, 'items')) {
        causes.push(...validateDownwardFile(item, `${place}.downwardAPI`));
        claim(textIn(item, 'path'), textIn(item, 'path'));
      }
    }
    const token = givenObject(source, 'serviceAccountToken');
    if (token !== undefined) {
      count++;
      causes.push(...validateToken(token, `${place}.serviceAccountToken.expirationSeconds`, `${field}.path`));
    }
    if (count > 1) causes.push(forbidden(place, 'may not specify more than 1 volume type per source'));
  }
  return causes;
}

/** The path of a token is told as one of the volume. */
function validateToken(token: JsonObject, secondsField: string, pathField: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const seconds = numberIn(token, 'expirationSeconds') ?? 0;
  if (seconds < TOKEN_SECONDS_MIN) {
    causes.push(invalid(secondsField, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > TOKEN_SECONDS_MAX) {
    causes.push(invalid(secondsField, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  const path = textIn(token, 'path');
  causes.push(...(path === '' ? [required(pathField)] : checkFilePath(path, pathField)));
  return causes;
}
