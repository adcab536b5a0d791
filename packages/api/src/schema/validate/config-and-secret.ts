import { byteLength, configKeyErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { base64Decode, base64Size } from '../base64.ts';
import { type FieldCause, forbidden, invalid, required, tooLong } from '../field-cause.ts';
import { checkImmutable, type JsonObject, objectIn, textIn } from './fields.ts';

/** Limit of the values of one ConfigMap or Secret. */
const DATA_MAX_BYTES = 1_048_576;
const FROZEN = 'field is immutable when `immutable` is set';
/** Keys that a Secret of a type must have. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

/** Checks a ConfigMap. */
export function validateConfigMap(configMap: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes = old === undefined ? [] : validateFrozen(configMap, old, ['data', 'binaryData']);
  const data = objectIn(configMap, 'data');
  const binary = objectIn(configMap, 'binaryData');
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    causes.push(...checkKey(key, 'data'));
    if (Object.hasOwn(binary, key)) causes.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    size += byteLength(String(value));
  }
  for (const [key, value] of Object.entries(binary)) {
    causes.push(...checkKey(key, 'binaryData'));
    size += base64Size(String(value));
  }
  // A server names no field here, and writes that as [].
  if (size > DATA_MAX_BYTES) causes.push(tooLong('[]', DATA_MAX_BYTES));
  return causes;
}

/** Checks a Secret; its type cannot be changed. */
export function validateSecret(secret: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  if (old !== undefined) {
    causes.push(...checkImmutable(secret.type, old.type, 'type'), ...validateFrozen(secret, old, ['data']));
  }
  const data = objectIn(secret, 'data');
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    causes.push(...checkKey(key, 'data'));
    size += base64Size(String(value));
  }
  if (size > DATA_MAX_BYTES) causes.push(tooLong('data', DATA_MAX_BYTES));
  const type = textIn(secret, 'type');
  for (const key of SECRET_KEYS[type] ?? []) {
    if (!Object.hasOwn(data, key)) causes.push(required(`data[${key}]`));
    else if (key.startsWith('.docker')) causes.push(...checkJson(String(data[key]), `data[${key}]`));
  }
  if (type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)) {
    causes.push(required('data[username]'), required('data[password]'));
  }
  if (type === 'kubernetes.io/service-account-token') {
    const name = 'kubernetes.io/service-account.name';
    const annotations = objectIn(objectIn(secret, 'metadata'), 'annotations');
    if (!textIn(annotations, name)) causes.push(required(`metadata.annotations[${name}]`));
  }
  return causes;
}

/** A value that must be JSON; it is never shown. */
function checkJson(base64: string, field: string): FieldCause[] {
  const text = new TextDecoder().decode(base64Decode(base64));
  const fault = jsonFault(text);
  return fault === undefined ? [] : [invalid(field, '<secret contents redacted>', fault)];
}

/** Why a text is no JSON, as far as the first character tells it. */
function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const first = text.trimStart().charAt(0);
    if (first === '') return 'unexpected end of JSON input';
    return /[[{"\d-]/.test(first)
      ? 'unexpected end of JSON input'
      : `invalid character '${first}' looking for beginning of value`;
  }
}

function checkKey(key: string, field: string): FieldCause[] {
  return configKeyErrors(key).map((error) => invalid(`${field}[${key}]`, key, error));
}

function validateFrozen(object: JsonObject, old: JsonObject, fields: readonly string[]): FieldCause[] {
  if (old.immutable !== true) return [];
  const causes: FieldCause[] = [];
  if (object.immutable !== true) causes.push(forbidden('immutable', FROZEN));
  for (const field of fields) {
    if (!jsonEqual(objectIn(object, field), objectIn(old, field))) causes.push(forbidden(field, FROZEN));
  }
  return causes;
}
