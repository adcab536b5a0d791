import { recordOf } from '../watch/kube-object.ts';

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The object in a field; empty when there is none. */
export function objectOf(holder: Json, name: string): Json {
  return recordOf(holder[name]) ?? {};
}

/** The objects in a list field. */
export function listOf(holder: Json, name: string): readonly Json[] {
  const value = holder[name];
  return Array.isArray(value) ? (value as unknown[]).map((item) => recordOf(item) ?? {}) : [];
}

/** The text in a field; empty when there is none. */
export function textOf(holder: Json, name: string): string {
  const value = holder[name];
  return typeof value === 'string' ? value : '';
}
