import { jsonPatch } from '@fairlead/api/patch/json-patch';
import { mergePatch } from '@fairlead/api/patch/merge-patch';
import { strategicMergePatch } from '@fairlead/api/patch/strategic-merge';
import { SchemaError } from '@fairlead/api/schema';
import { bodyMediaType } from '../server/media-type.ts';
import { badRequest, StatusError } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { patchedText, pathsOfJsonPatch, pathsOfMergePatch } from './patched-text.ts';
import type { RestRequest } from './rest-context.ts';

/** A patch as read from a request. */
export interface Patch {
  /** The patched document; never changes its argument. Throws 400 and 422. */
  readonly apply: (current: StoredObject) => unknown;
  /** The patched document as messages show it. */
  readonly text: (patched: unknown) => string;
}

/** Reads the patch of a request, of any type but apply; throws 400 and 415. */
export function readPatch(target: RestRequest): Patch {
  const { request, resource } = target;
  const type = bodyMediaType(request.headers['content-type']);
  switch (type) {
    case 'application/merge-patch+json': {
      const patch = patchRecord(request.body, 'error decoding patch: ');
      return {
        apply: (current) => mergePatch(current.object, patch),
        text: (patched) => patchedText(patched, pathsOfMergePatch(patch)),
      };
    }
    case 'application/strategic-merge-patch+json': {
      if (resource.custom !== undefined) throw customPatchRefused();
      const patch = patchRecord(request.body, '');
      return {
        apply: (current) => patching(() => strategicMergePatch(resource.typeId, current.object, patch)),
        text: JSON.stringify,
      };
    }
    case 'application/json-patch+json': {
      const patch = patchJson(request.body);
      return {
        apply: (current) => patching(() => jsonPatch(current.object, patch)),
        text: (patched) => patchedText(patched, pathsOfJsonPatch(patch)),
      };
    }
    default:
      throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
}

/** Custom resources have no strategic merge patch. */
function customPatchRefused(): StatusError {
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
    if (error.message === rejectedText) throw new StatusError(422, 'Invalid', rejectedText, {});
    const decoding = error.message.startsWith('json: ') ? 'error decoding patch: ' : '';
    throw badRequest(decoding + error.message);
  }
}

function patchJson(body: Uint8Array): unknown {
  const text = Buffer.from(body).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest(`error decoding patch: ${goSyntaxError(text)}`);
  }
}

function patchRecord(body: Uint8Array, prefix: string): Record<string, unknown> {
  const patch = patchJson(body);
  const record = recordOf(patch);
  if (record === undefined) {
    const kind = Array.isArray(patch)
      ? 'array'
      : patch === null
        ? 'null'
        : patch === true || patch === false
          ? 'bool'
          : typeof patch;
    throw badRequest(`${prefix}json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
  }
  return record;
}

/** The text of Go's encoding/json for the first fault, in the two forms that patches run into. */
function goSyntaxError(text: string): string {
  const trimmed = text.trimStart();
  if (trimmed === '') return 'unexpected end of JSON input';
  if (trimmed.startsWith('{')) {
    const next = trimmed.slice(1).trimStart()[0];
    if (next === undefined) return 'unexpected end of JSON input';
    if (next !== '"' && next !== '}') return `invalid character '${next}' looking for beginning of object key string`;
    return 'unexpected end of JSON input';
  }
  return `invalid character '${trimmed[0]}' looking for beginning of value`;
}
