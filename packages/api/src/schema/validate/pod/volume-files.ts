import { type FieldCause, invalid, required } from '../../field-cause.ts';
import { type JsonObject, numberIn, textIn } from '../fields.ts';
import { checkFilePath } from './paths.ts';

const MODE_MAX = 0o777;
const MODE_ERROR = 'must be a number between 0 and 0777 (octal), both inclusive';

/** Checks that text fields are there. */
export function checkTexts(source: JsonObject, field: string, names: readonly string[]): FieldCause[] {
  return names.filter((name) => textIn(source, name) === '').map((name) => required(`${field}.${name}`));
}

/** Checks file permissions. */
export function checkMode(source: JsonObject, name: string, field: string): FieldCause[] {
  const mode = numberIn(source, name);
  return mode !== undefined && (mode < 0 || mode > MODE_MAX) ? [invalid(`${field}.${name}`, mode, MODE_ERROR)] : [];
}

/** Checks which key becomes which file. */
export function validateKeyToPath(item: JsonObject, field: string): FieldCause[] {
  return [
    ...checkTexts(item, field, ['key', 'path']),
    ...checkFilePath(textIn(item, 'path'), `${field}.path`),
    ...checkMode(item, 'mode', field),
  ];
}
