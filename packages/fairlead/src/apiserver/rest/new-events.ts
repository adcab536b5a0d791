import { parseJson } from '@fairlead/api/json-number';
import { applyDefaults, validateObject } from '@fairlead/api/schema';
import { orderFields } from '@fairlead/api/schema/field-order';
import type { ServedResource } from '../resources/served-resources.ts';
import type { AnswerSink, ApiAnswer, ApiRequest } from '../server/api-request.ts';
import { bodyMediaType, negotiate } from '../server/media-type.ts';
import { badRequest, invalid, methodNotAllowed } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { applyPatchType } from './apply.ts';
import { decodeBody, fieldValidation } from './decode-body.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import { postObject, putObject } from './modify.ts';
import { patchObject, typedPatched } from './patch.ts';
import { getObject, listObjects } from './read.ts';
import { readPatch } from './read-patch.ts';
import { textAnswer } from './represent.ts';
import type { ClientForm, RestContext, RestRequest } from './rest-context.ts';
import { watchObjects } from './watch.ts';
import { existing } from './write-object.ts';

/** Group of the newer form of Events; both forms are one object in the store, kept in the core form. */
export const newEventsGroup = 'events.k8s.io';

/** Fields of the newer form and their names in the core form; all others are the same in both. */
const renamed: readonly (readonly [newer: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const emptyLeftOut = ['reportingController', 'reportingInstance'] as const;

/** Serves `events.k8s.io/v1` over the Events of the core group. */
export async function answerNewEvents(
  context: RestContext,
  target: RestRequest,
  name: string | undefined,
  watch: boolean,
): Promise<ApiAnswer> {
  const { request, resource } = target;
  const core = context.served.find('', 'v1', 'events')!;
  const reading: RestRequest = {
    ...target,
    request: withCoreSelector(asJson(request), resource, core),
    resource: { ...resource, facts: { ...resource.facts, fieldSelectors: core.facts.fieldSelectors } },
  };
  switch (request.method) {
    case 'GET':
      if (watch) return translated(target, await watchObjects(context, reading, name));
      return translated(
        target,
        await (name === undefined ? listObjects(context, reading) : getObject(context, reading, name)),
      );
    case 'POST':
    case 'PUT': {
      const isCreate = request.method === 'POST';
      if (isCreate !== (name === undefined)) throw methodNotAllowed();
      const validation = fieldValidation(request.query, isCreate ? 'CreateOptions' : 'UpdateOptions');
      const object = decodeBody(request, resource, validation, target.warnings);
      return translated(target, await write(context, target, core, name, object));
    }
    case 'PATCH':
      if (name === undefined) throw methodNotAllowed();
      return translated(target, await patch(context, target, core, name));
    case 'DELETE':
      if (name !== undefined) return translated(target, await deleteObject(context, reading, name));
      if (target.namespace === '') throw methodNotAllowed();
      return translated(target, await deleteCollection(context, reading));
    default:
      throw methodNotAllowed();
  }
}

/** Checks an Event of the newer form and stores it in the core form. */
function write(
  context: RestContext,
  target: RestRequest,
  core: ServedResource,
  name: string | undefined,
  object: KubeObject,
): Promise<ApiAnswer> {
  const { request } = target;
  checkNewForm(
    target,
    core,
    object,
    name === undefined ? undefined : newerForm(existing(context, target, name).object),
  );
  const body = Buffer.from(JSON.stringify(coreForm(object)));
  const headers = { ...asJson(request).headers, 'content-type': 'application/json' };
  const asCore: RestRequest = {
    ...target,
    resource: core,
    clientForm: clientFormOf(target, core),
    request: { ...request, method: name === undefined ? 'POST' : 'PUT', headers, body },
  };
  return name === undefined ? postObject(context, asCore) : putObject(context, asCore, name, undefined);
}

function clientFormOf(target: RestRequest, core: ServedResource): ClientForm {
  return {
    resource: target.resource,
    of: newerForm,
    toStored: coreForm,
    check: (object, current) => checkNewForm(target, core, object, current),
  };
}

/** Throws 422 for what is wrong with an Event of the newer form that replaces `current`, if there is one. */
function checkNewForm(
  target: RestRequest,
  core: ServedResource,
  object: KubeObject,
  current: KubeObject | undefined,
): void {
  const { apiVersion, kind } = target.resource;
  const name = object.metadata.name ?? '';
  if (current === undefined) {
    const checked = applyDefaults(apiVersion, kind, structuredClone(object)) as unknown as KubeObject;
    checked.metadata.namespace ??= target.namespace;
    const generated = (checked.metadata.name ?? '') === '' && (checked.metadata.generateName ?? '') !== '';
    if (generated) checked.metadata.name = `${checked.metadata.generateName}x`;
    const causes = validateObject(apiVersion, kind, checked);
    if (causes.length > 0) throw invalid(core, name, causes);
  } else {
    const next = { ...object, metadata: { ...current.metadata, ...object.metadata } };
    const causes = validateObject(apiVersion, kind, next, current);
    if (causes.length > 0) throw invalid(core, name, causes);
  }
}

function patch(context: RestContext, target: RestRequest, core: ServedResource, name: string): Promise<ApiAnswer> {
  const { request, resource } = target;
  if (bodyMediaType(request.headers['content-type']) === applyPatchType) return apply(context, target, core, name);
  const current = newerForm(existing(context, target, name).object);
  const patch = readPatch(target);
  const patched = patch.apply({ object: current });
  const validation = fieldValidation(request.query, 'PatchOptions');
  return write(context, target, core, name, typedPatched(patch, patched, resource, validation, target.warnings));
}

/** Server-side apply, merged in the newer form. */
function apply(context: RestContext, target: RestRequest, core: ServedResource, name: string): Promise<ApiAnswer> {
  const request = asJson(target.request);
  const asCore = { ...target, resource: core, clientForm: clientFormOf(target, core), request };
  return patchObject(context, asCore, name, undefined);
}

/** The newer form of an Event of the core form. */
function newerForm(event: KubeObject): KubeObject {
  return renameFields(
    event,
    `${newEventsGroup}/v1`,
    renamed.map(([newer, core]) => [core, newer]),
  );
}

/** The core form of an Event of the newer form. */
function coreForm(event: KubeObject): KubeObject {
  return renameFields(event, 'v1', renamed);
}

function renameFields(
  event: KubeObject,
  apiVersion: string,
  names: readonly (readonly [from: string, to: string])[],
): KubeObject {
  const { kind, metadata } = event;
  const result: KubeObject = { ...(kind === undefined ? {} : { kind, apiVersion }), metadata };
  for (const [field, value] of Object.entries(event)) {
    result[names.find(([from]) => from === field)?.[1] ?? field] = value;
  }
  if (event.apiVersion !== undefined) result.apiVersion = apiVersion;
  // The newer form leaves out what the core form writes as an empty text.
  if (apiVersion !== 'v1') {
    for (const field of emptyLeftOut) if (result[field] === '') delete result[field];
    orderFields('events.v1.Event', result);
  }
  return result;
}

/** Objects are turned over as JSON, whatever format the client gets in the end. */
function asJson(request: ApiRequest): ApiRequest {
  const accept = request.headers.accept;
  if (accept === undefined || !accept.includes('yaml')) return request;
  return {
    ...request,
    headers: { ...request.headers, accept: accept.replaceAll('application/yaml', 'application/json') },
  };
}

/** Field selectors in the names of the stored form; unknown fields are refused by their own names. */
function withCoreSelector(request: ApiRequest, resource: ServedResource, core: ServedResource): ApiRequest {
  const selector = request.query.get('fieldSelector') ?? '';
  if (selector === '') return request;
  const terms = selector.split(/(?<!\\),/).map((term) => {
    const field = /^[^=!]*/.exec(term)![0].trim();
    if (!resource.facts.fieldSelectors.includes(field)) {
      throw badRequest(
        (resource.facts.unknownFieldSelector ?? 'field label not supported: no.such').replace('no.such', field),
      );
    }
    const [first = '', ...rest] = field.split('.');
    const name = [renamed.find(([newer]) => newer === first)?.[1] ?? first, ...rest].join('.');
    return (core.facts.fieldSelectors.includes(name) ? name : field) + term.slice(/^[^=!]*/.exec(term)![0].length);
  });
  const query = new URLSearchParams(request.query);
  query.set('fieldSelector', terms.join(','));
  return { ...request, query };
}

/** An answer with its Events in the newer form: of one object, a list, a Table or a stream. */
function translated(target: RestRequest, answer: ApiAnswer): ApiAnswer {
  const { stream, body } = answer;
  if (stream !== undefined) return { ...answer, stream: (sink) => stream(new NewEventSink(sink)) };
  if (body === undefined || answer.status >= 300) return answer;
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const representation = negotiate(target.request.headers.accept, true);
  const next = JSON.stringify(translate(parseJson(text) as KubeObject));
  return textAnswer(answer.status, representation, next);
}

function translate(value: KubeObject): KubeObject {
  if (value.kind === 'Event') return newerForm(value);
  if (value.kind === 'EventList' && Array.isArray(value.items)) {
    const items = (value.items as KubeObject[]).map(({ kind: _, apiVersion: __, ...event }) =>
      newerForm(event as KubeObject),
    );
    return { ...value, apiVersion: `${newEventsGroup}/v1`, items };
  }
  if (value.kind === 'Table' && Array.isArray(value.rows)) {
    const rows = (value.rows as Record<string, unknown>[]).map((row) => {
      const object = recordOf(row.object) as KubeObject | undefined;
      return object?.kind === 'Event' ? { ...row, object: newerForm(object) } : row;
    });
    return { ...value, rows };
  }
  return value;
}

/** Turns the objects of watch events over, line by line. */
class NewEventSink implements AnswerSink {
  readonly #sink: AnswerSink;
  #rest = '';

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  get queuedBytes(): number {
    return this.#sink.queuedBytes;
  }

  write(chunk: Uint8Array): void {
    const lines = (this.#rest + Buffer.from(chunk).toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parseJson(line) as { type: string; object: KubeObject };
      this.#sink.write(Buffer.from(`${JSON.stringify({ ...event, object: translate(event.object) })}\n`));
    }
  }

  drained(): Promise<void> {
    return this.#sink.drained();
  }

  end(): void {
    this.#sink.end();
  }

  abort(): void {
    this.#sink.abort();
  }
}
