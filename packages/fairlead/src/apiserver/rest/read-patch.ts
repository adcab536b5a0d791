import { jsonPatch } from '@fairlead/api/patch/json-patch';
import { mergePatch } from '@fairlead/api/patch/merge-patch';
import { strategicMergePatch } from '@fairlead/api/patch/strategic-merge';
import {
  type DecodingSource,
  goMapText,
  jsonKind,
  overflowingNumber,
  parseJsonStrict,
  SchemaError,
  type StrictJson,
} from '@fairlead/api/schema';
import { bodyMediaType } from '../server/media-type.ts';
import { badRequest, StatusError } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { patchedText, pathsOfJsonPatch, pathsOfMergePatch } from './patched-text.ts';
import type { RestRequest } from './rest-context.ts';

/** A patch as read from a request. */
export interface Patch {
  /** The patched document; never changes its argument. Throws 400 and 422. */
  readonly apply: (current: Pick<StoredObject, 'object'>) => unknown;
  /** What messages show of it. */
  readonly text: (patched: unknown) => string;
  /** What strict validation has against the patch itself: fields given twice, members that operations do not have. */
  readonly strictFaults: readonly string[];
  /** How the patched document comes about, which decides the texts of wrong types and what numbers may be. */
  readonly source: DecodingSource;
}

const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** Throws 415 for a patch of no known type, and for a strategic one of a custom resource. */
export function checkPatchType({ request, resource }: RestRequest): void {
  const type = bodyMediaType(request.headers['content-type']);
  const isKnown = patchTypes.includes(type);
  if (resource.custom !== undefined && (!isKnown || type.includes('strategic'))) throw customPatchRefused();
  if (!isKnown) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** Reads the patch of a request, of any type but apply; throws 400 and 415. */
export function readPatch(target: RestRequest): Patch {
  const { request, resource } = target;
  checkPatchType(target);
  const type = bodyMediaType(request.headers['content-type']);
  switch (type) {
    case 'application/merge-patch+json': {
      const prefix = 'error decoding patch: ';
      const { value, duplicateFields, numberTexts } = patchJson(request.body, prefix, 'Go value');
      if (value === null) throw badRequest('Invalid JSON Patch');
      const patch = patchRecord(value, prefix);
      return {
        strictFaults: duplicateFields.map(duplicateFault),
        source: { form: 'json', numberTexts },
        apply: (current) => mergePatch(current.object, patch),
        text: (patched) => patchedText(patched, pathsOfMergePatch(patch)),
      };
    }
    case 'application/strategic-merge-patch+json': {
      const { value, duplicateFields } = patchJson(request.body, '', 'Go value');
      const patch = patchRecord(value ?? {}, '');
      return {
        strictFaults: duplicateFields.map(duplicateFault),
        source: { form: 'maps' },
        apply: (current) => patching(() => strategicMergePatch(resource.typeId, current.object, patch)),
        text: () => goMapText(patch),
      };
    }
    case 'application/json-patch+json': {
      const { value, duplicateFields, numberTexts } = patchJson(
        request.body,
        'error decoding patch: ',
        'Go struct field jsonPatchOp.value',
      );
      // No list of operations is an empty one.
      const patch = value ?? [];
      return {
        strictFaults: [...duplicateFields.map(duplicateFault), ...unknownMembers(patch)].map(
          (fault) => `json patch ${fault}`,
        ),
        source: { form: 'json', numberTexts: numberTextsOfOperations(patch, numberTexts) },
        apply: (current) => patching(() => jsonPatch(current.object, patch)),
        text: (patched) => patchedText(patched, pathsOfJsonPatch(patch)),
      };
    }
    default:
      throw customPatchRefused();
  }
}

/** Custom resources have no strategic merge patch. */
export function customPatchRefused(): StatusError {
  return new StatusError(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  );
}

const rejectedText = 'the server rejected our request due to an error in our request';

function patching(apply: () => unknown): unknown {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    if (error.code === 'too-large') {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${error.message}`);
    }
    if (error.message === rejectedText) throw new StatusError(422, 'Invalid', rejectedText, {});
    const decoding = error.message.startsWith('json: ') ? 'error decoding patch: ' : '';
    throw badRequest(decoding + error.message);
  }
}

/** Parses a patch; `place` is what messages call the place of a number that no float can hold. */
function patchJson(body: Uint8Array, prefix: string, place: string): StrictJson {
  let parsed: StrictJson;
  try {
    parsed = parseJsonStrict(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw badRequest(prefix + error.message);
  }
  const overflow = overflowingNumber(parsed.numberTexts);
  if (overflow === undefined) return parsed;
  throw badRequest(`${prefix}json: cannot unmarshal number ${overflow} into ${place} of type float64`);
}

function duplicateFault(field: string): string {
  return `duplicate field "${field}"`;
}

/** Where the numbers of a patch's operations come to stand: `[0].value.port` under `/spec/ports/0` is `spec.ports[0].port`. */
function numberTextsOfOperations(
  patch: unknown,
  numberTexts: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> | undefined {
  if (numberTexts === undefined) return undefined;
  const placed = new Map<string, string>();
  for (const [place, text] of numberTexts) {
    const [, index, inner] = /^\[(\d+)\]\.value(.*)$/s.exec(place) ?? [];
    const path = recordOf((patch as unknown[])[Number(index)])?.path;
    if (inner === undefined || typeof path !== 'string') continue;
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step.replaceAll('~1', '/').replaceAll('~0', '~')}`));
    placed.set((steps.join('') + inner).replace(/^\./, ''), text);
  }
  return placed;
}

const operationMembers: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value']);

/** Members of the operations of a JSON patch that operations do not have. */
function unknownMembers(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return (patch as unknown[]).flatMap((operation, index) =>
    Object.keys(recordOf(operation) ?? {})
      .filter((name) => !operationMembers.has(name))
      .map((name) => `unknown field "[${index}].${name}"`),
  );
}

function patchRecord(patch: unknown, prefix: string): Record<string, unknown> {
  const record = recordOf(patch);
  if (record === undefined) {
    throw badRequest(
      `${prefix}json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
    );
  }
  return record;
}
