import { isJsonNumber } from '../../json-number.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from '../../names.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldCause, invalid, notSupported, required } from '../field-cause.ts';

/** A JSON object under check. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Protocols of ports, in the order messages list them. */
export const PROTOCOLS: readonly string[] = ['SCTP', 'TCP', 'UDP'];

/** The object in a field; empty when there is none. */
export function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}

/** The objects in a list field. */
export function objectsIn(object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The texts in a list field. */
export function stringsIn(object: JsonObject, name: string): readonly string[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The text in a field; empty when there is none. */
export function textIn(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === 'string' ? value : '';
}

/** The number in a field, if any. */
export function numberIn(object: JsonObject, name: string): number | undefined {
  const value = object[name];
  return isJsonNumber(value) ? Number(value) : undefined;
}

/** Checks a text by a rule of names. */
export function checkName(value: string, field: string, rule: (name: string) => readonly string[]): FieldCause[] {
  return rule(value).map((error) => invalid(field, value, error));
}

/** Checks a DNS label. */
export function checkDnsLabel(value: string, field: string): FieldCause[] {
  return checkName(value, field, dns1123LabelErrors);
}

/** Checks a DNS name. */
export function checkDnsSubdomain(value: string, field: string): FieldCause[] {
  return checkName(value, field, dns1123SubdomainErrors);
}

/** Checks `name` or `prefix/name`. */
export function checkQualifiedName(value: string, field: string): FieldCause[] {
  return checkName(value, field, qualifiedNameErrors);
}

/** Checks a port number. */
export function checkPort(value: unknown, field: string): FieldCause[] {
  const port = typeof value === 'number' ? value : 0;
  return portNumberErrors(port).map((error) => invalid(field, port, error));
}

/** Checks a port given by number or by name. */
export function checkPortOrName(value: unknown, field: string): FieldCause[] {
  return typeof value === 'string' ? checkName(value, field, portNameErrors) : checkPort(value, field);
}

/** Checks a required choice. */
export function checkChoice(value: unknown, field: string, choices: readonly string[]): FieldCause[] {
  if (value === undefined || value === '') return [required(field)];
  return choices.includes(String(value)) ? [] : [notSupported(field, value, choices)];
}

/** Checks a choice whose field Go keeps as a pointer: an empty text is a wrong choice, not a missing one. */
export function checkGivenChoice(value: unknown, field: string, choices: readonly string[]): FieldCause[] {
  if (value === undefined || value === null) return [required(field)];
  return choices.includes(String(value)) ? [] : [notSupported(field, value, choices)];
}

/** Checks that a number, if present, is not negative. */
export function checkNonNegative(value: unknown, field: string): FieldCause[] {
  return isJsonNumber(value) && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];
}

/** Checks that a field did not change. */
export function checkImmutable(value: unknown, old: unknown, field: string): FieldCause[] {
  return jsonEqual(value ?? null, old ?? null) ? [] : [invalid(field, value, 'field is immutable')];
}

/** Checks a name like `example.com/controller`: a domain and a path. */
export function checkDomainPath(value: string, field: string): FieldCause[] {
  if (value === '') return [required(field)];
  const slash = value.indexOf('/');
  if (slash < 1 || slash === value.length - 1) {
    return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const [host, path] = [value.slice(0, slash), value.slice(slash + 1)];
  const causes = dns1123SubdomainErrors(host).map((error) => invalid(field, host, error));
  if (/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)) return causes;
  return [
    ...causes,
    invalid(field, path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"),
  ];
}
