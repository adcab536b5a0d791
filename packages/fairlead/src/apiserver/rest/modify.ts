import { jsonPatch } from '@fairlead/api/patch/json-patch';
import { mergePatch } from '@fairlead/api/patch/merge-patch';
import { strategicMergePatch } from '@fairlead/api/patch/strategic-merge';
import { SchemaError } from '@fairlead/api/schema';
import type { ApiAnswer } from '../server/api-request.ts';
import { bodyMediaType, negotiate } from '../server/media-type.ts';
import { badRequest, invalid, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { applyObject, applyPatchType } from './apply.ts';
import { decodeBody, fieldValidation, typed } from './decode-body.ts';
import { checkFieldManager } from './field-manager.ts';
import { objectForm, objectText, textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { createsOnUpdate, needsVersionOnUpdate } from './strategy.ts';
import { createObject, existing, exists, updateObject } from './write-object.ts';
import { checkName, isDryRun, isStale } from './write-options.ts';

export { isDryRun, isStale } from './write-options.ts';

/** Attempts of a patch without a version against concurrent writers. */
const patchAttempts = 16;

/** POST to a collection. */
export async function postObject(context: RestContext, target: RestRequest): Promise<ApiAnswer> {
  const { request, resource, warnings } = target;
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  checkFieldManager(request.query, 'CreateOptions', 'none');
  const validation = fieldValidation(request.query, 'CreateOptions');
  const dryRun = isDryRun(request.query, 'CreateOptions');
  const object = decodeBody(request, resource, validation, warnings);
  const stored = await createObject(context, target, object, dryRun);
  return textAnswer(201, representation, objectText(form, stored));
}

/** PUT of an object or of its `status`. */
export async function putObject(
  context: RestContext,
  target: RestRequest,
  name: string,
  subresource: string | undefined,
): Promise<ApiAnswer> {
  const { request, resource, warnings } = target;
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  checkFieldManager(request.query, 'UpdateOptions', 'none');
  const validation = fieldValidation(request.query, 'UpdateOptions');
  const dryRun = isDryRun(request.query, 'UpdateOptions');
  const object = decodeBody(request, resource, validation, warnings);
  checkName(object, name);
  if (
    needsVersionOnUpdate(resource) &&
    exists(context, target, name) &&
    (object.metadata.resourceVersion ?? '') === ''
  ) {
    throw invalid({ group: resource.group, kind: resource.plural }, name, [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  }
  const versioned = (object.metadata.resourceVersion ?? '') !== '';
  if (subresource === undefined && createsOnUpdate(resource) && !exists(context, target, name)) {
    const stored = await createObject(context, target, object, dryRun);
    return textAnswer(201, representation, objectText(form, stored));
  }
  for (let attempt = 1; ; attempt++) {
    const current = existing(context, target, name);
    try {
      const { stored } = await updateObject(context, target, current, structuredClone(object), {
        subresource,
        dryRun,
        isPatch: false,
      });
      return textAnswer(200, representation, objectText(form, stored));
    } catch (error) {
      if (versioned || !isStale(error) || attempt >= patchAttempts) throw error;
    }
  }
}

/** PATCH of an object or of its `status`. */
export async function patchObject(
  context: RestContext,
  target: RestRequest,
  name: string,
  subresource: string | undefined,
): Promise<ApiAnswer> {
  const { request, resource } = target;
  if (bodyMediaType(request.headers['content-type']) === applyPatchType) {
    return applyObject(context, target, name, subresource);
  }
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  checkFieldManager(request.query, 'PatchOptions', 'other');
  const validation = fieldValidation(request.query, 'PatchOptions');
  const dryRun = isDryRun(request.query, 'PatchOptions');
  const apply = readPatch(target);
  for (let attempt = 1; ; attempt++) {
    const current = existing(context, target, name);
    const warnings: string[] = [];
    const patched = apply(current);
    checkPatchedKind(target, patched);
    const proposed = typedPatch(target, patched, name, () => typed(patched, resource, [], validation, warnings));
    checkName(proposed, name);
    try {
      const { stored } = await updateObject(context, target, current, proposed, { subresource, dryRun, isPatch: true });
      target.warnings.push(...warnings);
      return textAnswer(200, representation, objectText(form, stored));
    } catch (error) {
      const given = proposed.metadata.resourceVersion;
      const sameVersion = given === current.object.metadata.resourceVersion;
      if (!sameVersion || !isStale(error) || attempt >= patchAttempts) throw error;
    }
  }
}

/** The patch of the request as a function; throws 400 and 415 before anything is read. */
export function readPatch(target: RestRequest): (current: StoredObject) => unknown {
  const { request, resource } = target;
  const type = bodyMediaType(request.headers['content-type']);
  switch (type) {
    case 'application/merge-patch+json': {
      const patch = patchRecord(request.body, 'error decoding patch: ');
      return (current) => mergePatch(current.object, patch);
    }
    case 'application/strategic-merge-patch+json': {
      if (resource.custom !== undefined) throw customPatchRefused();
      const patch = patchRecord(request.body, '');
      return (current) => patching(() => strategicMergePatch(resource.typeId, current.object, patch));
    }
    case 'application/json-patch+json': {
      const patch = patchJson(request.body);
      return (current) => patching(() => jsonPatch(current.object, patch));
    }
    default:
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        '415: Unsupported Media Type',
        {},
        {
          headers: {
            'accept-patch':
              'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor',
          },
        },
      );
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

/** A patched object with wrong types is the patch's fault: 422 on `patch`. */
function typedPatch(target: RestRequest, patched: unknown, name: string, decode: () => KubeObject): KubeObject {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 400) throw error;
    const why = error.message.replace(/^.* cannot be handled as a [A-Za-z]+: /, '');
    throw new StatusError(
      422,
      'Invalid',
      ` "" is invalid: patch: Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`,
      {
        causes: [
          {
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`,
            field: 'patch',
          },
        ],
      },
    );
  }
}

/** A patch cannot turn an object into another kind. */
function checkPatchedKind(target: RestRequest, patched: unknown): void {
  const { kind, apiVersion } = target.resource;
  const record = recordOf(patched);
  if (record === undefined || (record.kind === kind && record.apiVersion === apiVersion)) return;
  throw badRequest(
    `the patched object is ${String(record.apiVersion)} ${String(record.kind)}, the resource holds ${apiVersion} ${kind}`,
  );
}
