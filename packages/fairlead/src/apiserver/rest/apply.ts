import { applyPatch } from '@fairlead/api/patch/apply/index';
import { plainText } from '@fairlead/api/plain-text';
import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { badRequest, conflict, notFound, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { readApplyBody } from './apply-body.ts';
import { fieldValidation, typed } from './decode-body.ts';
import { checkFieldManager, fieldManagerOf, isForced } from './field-manager.ts';
import { resetFields } from './managed-fields.ts';
import { managedTypeOf } from './managed-type-of.ts';
import { versionsOf } from './object-versions.ts';
import { objectForm, objectText, textAnswer } from './represent.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';
import { createObject, existing, exists, updateObject } from './write-object.ts';
import { checkName, isDryRun, isStale } from './write-options.ts';

/** Attempts of an apply against concurrent writers. */
const attempts = 16;

/** The media type of a server-side apply; its JSON is YAML too. */
export const applyPatchType = 'application/apply-patch+yaml';

/** PATCH by server-side apply: creates the object when it is not there. */
export async function applyObject(
  context: RestContext,
  target: RestRequest,
  name: string,
  subresource: string | undefined,
): Promise<ApiAnswer> {
  const { request, resource, warnings } = target;
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  checkFieldManager(request.query, 'PatchOptions', 'apply');
  const validation = fieldValidation(request.query, 'PatchOptions');
  const dryRun = isDryRun(request.query, 'PatchOptions');
  const { config, duplicates } = readApplyBody(request.body);
  const answer = (status: number, stored: StoredObject): ApiAnswer => {
    if (duplicates !== undefined && validation === 'Warn') warnings.push(duplicates);
    return textAnswer(status, representation, objectText(form, stored));
  };
  for (let attempt = 1; ; attempt++) {
    const current = exists(context, target, name) ? existing(context, target, name) : undefined;
    const applied = merged(context, target, current, config, subresource);
    if (duplicates !== undefined && validation === 'Strict') {
      throw badRequest(`error strict decoding YAML: ${duplicates}`);
    }
    try {
      if (current === undefined) {
        if (subresource !== undefined) throw notFound(resource, name);
        return answer(201, await createApplied(context, target, name, applied, dryRun));
      }
      checkName(applied, name);
      const { stored } = await updateObject(context, target, current, applied, {
        subresource,
        dryRun,
        isPatch: true,
        managedFields: applied.metadata.managedFields,
      });
      return answer(200, stored);
    } catch (error) {
      const pinned = (recordOf(config.metadata)?.resourceVersion ?? '') !== '';
      const taken = error instanceof StatusError && error.status.reason === 'AlreadyExists';
      if (attempts <= attempt || pinned || !(taken || isStale(error))) throw error;
    }
  }
}

function createApplied(
  context: RestContext,
  target: RestRequest,
  name: string,
  object: KubeObject,
  dryRun: boolean,
): Promise<StoredObject> {
  const { uid } = object.metadata;
  if (uid !== undefined && uid !== '') {
    throw conflict(
      target.resource,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  }
  checkName(object, name);
  const { managedFields, resourceVersion: _, ...metadata } = object.metadata;
  return createObject(context, target, { ...object, metadata }, dryRun, { managedFields });
}

/** The object the apply leads to, with its managed fields; throws what the apply was refused for. */
function merged(
  context: RestContext,
  target: RestRequest,
  current: StoredObject | undefined,
  config: Readonly<Record<string, unknown>>,
  subresource: string | undefined,
): KubeObject {
  const { request, clientForm } = target;
  const resource = clientForm?.resource ?? target.resource;
  const live = current === undefined ? undefined : (clientForm?.of(current.object) ?? current.object);
  const outcome = applyPatch({
    type: managedTypeOf(resource),
    live,
    config,
    manager: fieldManagerOf(request),
    force: isForced(request.query),
    subresource: subresource ?? '',
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    time: timestamp(context.clock),
    resetFields: resetFields(resource, subresource ?? ''),
    inVersion: versionsOf(context.served, resource),
  });
  if (!outcome.ok) {
    switch (outcome.reason) {
      case 'bad-request':
        throw badRequest(outcome.message);
      case 'schema':
        throw new StatusError(500, undefined, outcome.message);
      case 'conflict':
        throw new StatusError(409, 'Conflict', outcome.message, { causes: outcome.causes });
    }
  }
  const decoded = decodeMerged({ ...target, resource }, outcome.object, config);
  clientForm?.check(decoded, live);
  const object = clientForm?.toStored(decoded) ?? decoded;
  object.metadata.managedFields = outcome.managedFields as unknown[] | undefined;
  return object;
}

function decodeMerged(
  target: RestRequest,
  object: Record<string, unknown>,
  config: Readonly<Record<string, unknown>>,
): KubeObject {
  try {
    return typed(object, target.resource, [], 'Ignore', [], { form: 'maps' });
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 400) throw error;
    const { namespace, name } = recordOf(config.metadata) ?? {};
    const { apiVersion, kind } = target.resource;
    const gvk = `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
    const why = error.message.replace(/^.* cannot be handled as a [A-Za-z]+: /, '');
    throw new StatusError(
      500,
      undefined,
      `failed to convert new object (${plainText(namespace ?? '')}/${plainText(name ?? '')}; ${gvk}) to proper version: unable to convert unstructured object to ${gvk}: ${why}`,
    );
  }
}
