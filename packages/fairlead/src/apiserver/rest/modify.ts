import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { invalid } from '../server/status-error.ts';
import { decodeBody, fieldValidation } from './decode-body.ts';
import { checkFieldManager } from './field-manager.ts';
import { objectForm, objectText, textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { createsOnUpdate, needsVersionOnUpdate } from './strategy.ts';
import { createObject, existing, exists, updateObject } from './write-object.ts';
import { checkName, isDryRun, isStale } from './write-options.ts';

/** Attempts of a write without a version against concurrent writers. */
const attempts = 16;

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
  let object = decodeBody(request, resource, validation, warnings);
  checkName(object, name);
  if (
    needsVersionOnUpdate(resource) &&
    exists(context, target, name) &&
    ['', '0'].includes(object.metadata.resourceVersion ?? '')
  ) {
    throw invalid({ group: resource.group, kind: resource.plural }, name, [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  }
  const versioned = !['', '0'].includes(object.metadata.resourceVersion ?? '');
  if (subresource === undefined && createsOnUpdate(resource) && !exists(context, target, name)) {
    const stored = await createObject(context, target, object, dryRun);
    return textAnswer(201, representation, objectText(form, stored));
  }
  for (let attempt = 1; ; attempt++) {
    const current = existing(context, target, name);
    // An attempt changes the object: the next one begins with another.
    if (attempt > 1) object = decodeBody(request, resource, validation, []);
    try {
      const { stored } = await updateObject(context, target, current, object, {
        subresource,
        dryRun,
        isPatch: false,
      });
      return textAnswer(200, representation, objectText(form, stored));
    } catch (error) {
      if (versioned || !isStale(error) || attempt >= attempts) throw error;
    }
  }
}
