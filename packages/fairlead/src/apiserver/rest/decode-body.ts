import {
  type DecodingSource,
  decodeObject,
  decodeProtobufObject,
  jsonKind,
  overflowingNumber,
  parseJsonStrict,
  SchemaError,
  schemaForKind,
} from '@fairlead/api/schema';
import type { CustomKind, DecodedCustomObject } from '../crd/custom-kind.ts';
import type { ApiRequest } from '../server/api-request.ts';
import { bodyMediaType } from '../server/media-type.ts';
import { badRequest, invalid, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { readYaml } from './yaml-text.ts';

/** The type a body must have. */
export interface ExpectedType {
  readonly apiVersion: string;
  readonly kind: string;
  readonly typeId: string;
  readonly custom?: CustomKind;
  /** An older version of the same form, which is taken too. */
  readonly olderVersion?: string;
}

/** What to do with fields the schema does not know: `fieldValidation`. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

const acceptedBodies =
  'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** A body that cannot be read as what it should be: 400, or what a caller makes of it. */
export class UnreadableBody extends StatusError {
  override readonly name = 'UnreadableBody';
  /** What is wrong, without what was expected. */
  readonly why: string;

  constructor(message: string, why: string) {
    super(400, 'BadRequest', message);
    this.why = why;
  }
}

/** Reads the `fieldValidation` parameter; `options` names the kind in the 422. */
export function fieldValidation(query: URLSearchParams, options: string): FieldValidation {
  const given = query.get('fieldValidation');
  if (given === null || given === '') return 'Warn';
  if (given === 'Strict' || given === 'Warn' || given === 'Ignore') return given;
  throw invalid({ group: 'meta.k8s.io', kind: options }, '', [
    {
      reason: 'FieldValueNotSupported',
      field: 'fieldValidation',
      message: `Unsupported value: "${given}": supported values: "", "Ignore", "Strict", "Warn"`,
    },
  ]);
}

/** Decodes a request body (JSON, YAML or protobuf) as an object of the expected type. */
export function decodeBody(
  request: ApiRequest,
  expected: ExpectedType,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const type = bodyMediaType(request.headers['content-type']);
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(request.body, expected);
  const { value, duplicates, numberTexts } = parseText(request.body, type, expected);
  const record = recordOf(value);
  if (record === undefined && value !== null) {
    throw unrecognized(
      request.body,
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  for (const [name, field] of [
    ['apiVersion', record?.apiVersion],
    ['kind', record?.kind],
  ] as const) {
    if (typeof field === 'string' || field === undefined || field === null) continue;
    throw unrecognized(
      request.body,
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(field)} into Go struct field .${name} of type string`,
    );
  }
  if (typeof record?.apiVersion === 'string' && record.apiVersion.split('/').length > 2) {
    throw unrecognized(request.body, expected, `unexpected GroupVersion string: ${record.apiVersion}`);
  }
  if (expected.custom !== undefined) checkCustomType(request.body, record ?? {}, expected);
  else {
    checkKind(
      typeof record?.apiVersion === 'string' ? record.apiVersion : '',
      typeof record?.kind === 'string' ? record.kind : '',
      expected,
    );
  }
  const overflow = expected.custom === undefined ? undefined : overflowingNumber(numberTexts);
  if (overflow !== undefined) {
    throw cannotHandle(expected, expected, `json: cannot unmarshal number ${overflow} into Go value of type float64`);
  }
  const faults = duplicates.map((field) => `duplicate field "${field}"`);
  return typed(value ?? {}, expected, faults, validation, warnings, { form: 'json', numberTexts });
}

/**
 * Decodes a JSON value as the expected type and applies field validation.
 * @param strictFaults what else strict validation refuses, in its words
 * @param source form `maps`: merged by a strategic patch, which has other texts for wrong types and sorts unknown fields
 */
export function typed(
  value: unknown,
  expected: ExpectedType,
  strictFaults: readonly string[],
  validation: FieldValidation,
  warnings: string[],
  source: DecodingSource = {},
): KubeObject {
  const { object, unknownFields, error } =
    expected.custom === undefined ? decodedBuiltIn(expected.typeId, value, source) : expected.custom.decode(value);
  if (error !== undefined) throw cannotHandle(expected, expected, error);
  const unknown = unknownFields.map((field) => `unknown field "${field}"`);
  const faults = [...strictFaults, ...(source.form === 'maps' ? unknown.sort() : unknown)];
  if (faults.length > 0 && validation === 'Strict') {
    throw cannotHandle(expected, expected, `strict decoding error: ${faults.join(', ')}`);
  }
  if (validation === 'Warn') warnings.push(...faults);
  const metadata = recordOf(object.metadata) ?? {};
  // An empty list, which decoding leaves out, asks to forget all managers.
  const managed = recordOf(recordOf(value)?.metadata)?.managedFields;
  if (Array.isArray(managed) && managed.length === 0) metadata.managedFields = [];
  return { ...object, kind: expected.kind, apiVersion: expected.apiVersion, metadata } as KubeObject;
}

function decodedBuiltIn(typeId: string, value: unknown, source: DecodingSource): DecodedCustomObject {
  const { object, unknownFields, errors } = decodeObject(typeId, value, source);
  const [first] = errors;
  return {
    object,
    unknownFields,
    error: source.form === 'maps' ? (first?.conversion ?? first?.message) : first?.message,
  };
}

function parseText(
  body: Uint8Array,
  type: string,
  expected: ExpectedType,
): { value: unknown; duplicates: readonly string[]; numberTexts?: ReadonlyMap<string, string> | undefined } {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (type === 'application/json' || type === '') {
    try {
      const { value, duplicateFields, numberTexts } = parseJsonStrict(text);
      return { value, duplicates: duplicateFields, numberTexts };
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      throw unrecognized(body, expected, `couldn't get version/kind; json parse error: ${error.message}`);
    }
  }
  if (type === 'application/yaml') {
    const read = readYaml(text);
    if (!read.ok) throw unrecognized(body, expected, read.error);
    return { value: read.value, duplicates: read.duplicates.map(({ key }) => key) };
  }
  throw new StatusError(415, 'UnsupportedMediaType', acceptedBodies);
}

function decodeProtobuf(body: Uint8Array, expected: ExpectedType): KubeObject {
  if (body.length < 4 || body[0] !== 0x6b || body[1] !== 0x38 || body[2] !== 0x73 || body[3] !== 0) {
    throw unrecognized(
      body,
      expected,
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  if (body.length === 4) throw unrecognized(body, expected, 'empty body');
  try {
    const { apiVersion, kind, object } = decodeProtobufObject(body, expected);
    checkKind(apiVersion, kind, expected);
    return typed(object, expected, [], 'Ignore', []);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    if (error.code === 'unknown-kind') {
      const named = /no kind "([^"]*)" is registered for version "([^"]*)"/.exec(error.message);
      const given = { kind: named?.[1] ?? '', apiVersion: named?.[2] ?? '' };
      throw cannotHandle(given, expected, notRegistered(given));
    }
    throw unrecognized(body, expected, error.message);
  }
}

function checkKind(apiVersion: string, kind: string, expected: ExpectedType): void {
  const given = { apiVersion: apiVersion || expected.apiVersion, kind: kind || expected.kind };
  if (given.apiVersion === expected.apiVersion && given.kind === expected.kind) return;
  if (given.kind === expected.kind && given.apiVersion === expected.olderVersion) return;
  // Options belong to every group version; clients send them in the one of the object.
  if (given.kind === expected.kind && expected.typeId.startsWith('meta.v1.')) return;
  const schema = schemaForKind(given.apiVersion, given.kind);
  if (schema === undefined) {
    throw cannotHandle(given, expected, notRegistered(given));
  }
  const versionPackage = given.apiVersion.slice(given.apiVersion.indexOf('/') + 1);
  const internalPackage = expected.typeId.slice(0, expected.typeId.indexOf('.'));
  throw cannotHandle(
    given,
    expected,
    `converting (${versionPackage}.${given.kind}) to (${internalPackage}.${expected.kind}): unknown conversion`,
  );
}

/** A body of a custom resource says its kind and version; versions are compared before kinds. */
function checkCustomType(body: Uint8Array, record: Record<string, unknown>, expected: ExpectedType): void {
  const { kind = '', apiVersion = '', metadata } = record;
  if (kind === '') {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    throw unrecognized(body, expected, `Object 'Kind' is missing in '${text}'`);
  }
  const fault = decodeObject('meta.v1.ObjectMeta', metadata ?? {}).errors[0]?.message;
  const given = { apiVersion: String(apiVersion), kind: String(kind) };
  if (fault !== undefined && given.apiVersion !== '') throw cannotHandle(given, expected, fault);
  if (given.apiVersion !== expected.apiVersion) {
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${expected.apiVersion})`,
    );
  }
  if (given.kind === expected.kind) return;
  const group = expected.apiVersion.split('/', 1)[0] ?? '';
  const message = `Invalid value: ${JSON.stringify(given.kind)}: must be ${expected.kind}`;
  const name = String(recordOf(metadata)?.name ?? '');
  throw invalid({ group, kind: given.kind }, name, [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
}

function notRegistered(given: { readonly apiVersion: string; readonly kind: string }): string {
  return `no kind "${given.kind}" is registered for version "${given.apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`;
}

function cannotHandle(
  given: { readonly apiVersion: string; readonly kind: string },
  expected: ExpectedType,
  why: string,
): StatusError {
  const version = given.apiVersion.slice(given.apiVersion.indexOf('/') + 1);
  return new UnreadableBody(
    `${given.kind} in version "${version}" cannot be handled as a ${expected.kind}: ${why}`,
    why,
  );
}

/** A body of which not even the kind can be read. */
function unrecognized(body: Uint8Array, expected: ExpectedType, why: string): StatusError {
  const message = `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${excerpt(body)})`;
  return new UnreadableBody(message, why);
}

/** The start of a body, as the real server shows it: as text when it looks like a JSON object, else in hex. */
function excerpt(body: Uint8Array): string {
  if (body.length === 0) return '<empty>';
  const start = Buffer.from(body.subarray(0, 30)).toString(body[0] === 0x7b ? 'utf8' : 'hex');
  return body.length > 30 ? `${start} ...` : start;
}
