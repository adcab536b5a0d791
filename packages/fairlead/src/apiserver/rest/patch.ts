import { plainText } from '@fairlead/api/plain-text';
import { decodeObject, schemaForKind } from '@fairlead/api/schema';
import type { ApiAnswer } from '../server/api-request.ts';
import { bodyMediaType, negotiate } from '../server/media-type.ts';
import { badRequest, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { applyObject, applyPatchType } from './apply.ts';
import { type ExpectedType, type FieldValidation, fieldValidation, typed } from './decode-body.ts';
import { checkFieldManager } from './field-manager.ts';
import { checkPatchType, type Patch, readPatch } from './read-patch.ts';
import { objectForm, objectText, textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { existing, updateObject } from './write-object.ts';
import { checkName, isDryRun, isStale } from './write-options.ts';

/** Attempts of a patch without a version against concurrent writers. */
const attempts = 16;

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
  checkPatchType(target);
  checkFieldManager(request.query, 'PatchOptions', 'other');
  const validation = fieldValidation(request.query, 'PatchOptions');
  const dryRun = isDryRun(request.query, 'PatchOptions');
  const patch = readPatch(target);
  for (let attempt = 1; ; attempt++) {
    const current = existing(context, target, name);
    const warnings: string[] = [];
    const patched = patch.apply(current);
    const proposed = typedPatched(patch, patched, resource, validation, warnings);
    checkName(proposed, name);
    try {
      const { stored } = await updateObject(context, target, current, proposed, { subresource, dryRun, isPatch: true });
      target.warnings.push(...warnings);
      return textAnswer(200, representation, objectText(form, stored));
    } catch (error) {
      const given = proposed.metadata.resourceVersion;
      const sameVersion = given === current.object.metadata.resourceVersion;
      if (!sameVersion || !isStale(error) || attempt >= attempts) throw error;
    }
  }
}

/** What a patch made, decoded as the type of its resource; throws 422 on `patch`, and what strict validation refuses. */
export function typedPatched(
  patch: Patch,
  patched: unknown,
  expected: ExpectedType,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  return patchFaults(patch.text(patched), () => {
    checkPatchedKind(expected, patched);
    return typed(patched, expected, patch.strictFaults, validation, warnings, patch.source);
  });
}

/** A patched object that cannot be decoded is the patch's fault: 422 on `patch`, with the object as Go's patch library writes it. */
function patchFaults(text: string, decode: () => KubeObject): KubeObject {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 400) throw error;
    const why = error.message.replace(/^.* cannot be handled as a [A-Za-z]+: /, '');
    const message = `Invalid value: ${JSON.stringify(text)}: ${why}`;
    throw new StatusError(422, 'Invalid', ` "" is invalid: patch: ${message}`, {
      causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
    });
  }
}

/** A patch cannot turn an object into another kind; the object is decoded as the kind it names. */
function checkPatchedKind({ kind, apiVersion }: ExpectedType, patched: unknown): void {
  const record = recordOf(patched);
  if (record === undefined) return;
  if ((record.kind ?? kind) === kind && (record.apiVersion ?? apiVersion) === apiVersion) return;
  const schema = schemaForKind(plainText(record.apiVersion), plainText(record.kind));
  const [fault] = schema === undefined ? [] : decodeObject(schema.id, record).errors;
  if (fault !== undefined) throw badRequest(fault.message);
  throw badRequest(
    `the patched object is ${plainText(record.apiVersion)} ${plainText(record.kind)}, the resource holds ${apiVersion} ${kind}`,
  );
}
