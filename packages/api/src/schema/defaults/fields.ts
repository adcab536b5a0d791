import { isJsonObject } from '../../own-property.ts';

/** A JSON object under change. */
export type JsonObject = Record<string, unknown>;

/** Sets a field unless it has a value. */
export function setDefault(object: JsonObject, name: string, value: unknown): void {
  if (object[name] === undefined || object[name] === null) object[name] = value;
}

/** Sets a text field unless it is present and not empty. */
export function setDefaultText(object: JsonObject, name: string, value: string): void {
  if (object[name] === undefined || object[name] === null || object[name] === '') object[name] = value;
}

/** Sets a number field unless it is present and not zero. */
export function setDefaultNumber(object: JsonObject, name: string, value: number): void {
  if (!object[name]) object[name] = value;
}

/** The object in a field, or `undefined`. */
export function objectIn(object: unknown, name: string): JsonObject | undefined {
  const value = isJsonObject(object) ? object[name] : undefined;
  return isJsonObject(value) ? value : undefined;
}

/** The objects in a list field; empty when there is none. */
export function objectsIn(object: unknown, name: string): JsonObject[] {
  const value = isJsonObject(object) ? object[name] : undefined;
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The object in a field, made if absent. */
export function ensureObject(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (isJsonObject(value)) return value;
  const made: JsonObject = {};
  object[name] = made;
  return made;
}
