// Hot path: get and list of the newest state never leave memory.
import { allShownAs } from '../crd/custom-view.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { badRequest, expired, StatusError } from '../server/status-error.ts';
import { matches, parseSelection, type Selection } from '../watch/selection.ts';
import { StoredObject } from '../watch/stored-object.ts';
import {
  continueExpired,
  continueToken,
  integerParameter,
  type ListVersion,
  listVersion,
  parseContinueToken,
  parseVersion,
  waitForVersion,
} from './list-options.ts';
import { listText, objectForm, objectText, textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { existing } from './write-object.ts';

/** GET of one object. */
export async function getObject(context: RestContext, target: RestRequest, name: string): Promise<ApiAnswer> {
  const { request, resource } = target;
  const representation = negotiate(request.headers.accept, true, resource.custom === undefined ? 'object' : 'custom');
  const exported = request.query.get('export') ?? '0';
  if (!['', '0', 'false'].includes(exported.toLowerCase())) {
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
  }
  const wanted = parseVersion(request.query.get('resourceVersion') ?? '');
  if (wanted !== undefined) await waitForVersion(context, wanted, request.signal);
  const found = existing(context, target, name);
  if (representation.asList === true) throw wrongForm(resource, false);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  return textAnswer(200, representation, objectText(form, found));
}

/** GET of a collection, whole or in chunks of one snapshot. */
export async function listObjects(context: RestContext, target: RestRequest): Promise<ApiAnswer> {
  const { request, resource } = target;
  const { query } = request;
  const representation = negotiate(
    request.headers.accept,
    true,
    resource.custom === undefined ? 'collection' : 'custom',
  );
  const wanted = readListQuery(target);
  if (representation.asList === false) throw wrongForm(resource, true);
  const form = objectForm(resource, representation, query, context.clock.now());
  const { found, metadata } = await selectObjects(context, target, wanted, false);
  if (resource.custom !== undefined && representation.as === undefined) metadata.continue ??= '';
  return textAnswer(200, representation, listText(form, found, metadata));
}

/** What a list takes, and the metadata of the list. */
export interface SelectedObjects {
  readonly found: readonly StoredObject[];
  readonly metadata: Record<string, unknown>;
}

/** What a list is asked for. */
export interface ListQuery {
  /** Most objects; 0 is all. */
  readonly limit: number;
  readonly version: ListVersion;
  readonly selection: Selection;
}

/** Reads the query of a list; throws 400 and 422. */
export function readListQuery({ request: { query }, resource, namespace }: RestRequest): ListQuery {
  integerParameter(query, 'timeoutSeconds');
  const limit = Math.max(0, integerParameter(query, 'limit'));
  const version = listVersion(query, false);
  return { limit, version, selection: parseSelection(resource, namespace, query) };
}

/**
 * The objects that a request's query selects: all, or a chunk of one snapshot. `isChunked` says that they are read in chunks
 * also where no limit is given, so that a version means that version. Throws 400, 410 and 504.
 */
export async function selectObjects(
  context: RestContext,
  target: RestRequest,
  { limit, version, selection }: ListQuery,
  isChunked: boolean,
): Promise<SelectedObjects> {
  const { request, resource } = target;
  const { query } = request;
  const continued = query.get('continue') ?? '';
  const token = continued === '' ? undefined : parseContinueToken(continued);
  if (token !== undefined && (version.revision ?? 0) > 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  let snapshot: number | undefined;
  if (token !== undefined) {
    if (token.revision > 0) snapshot = token.revision;
  } else if (version.revision !== undefined) {
    await waitForVersion(context, version.revision, request.signal);
    // A limit with a version means that version, unless it is 0 or NotOlderThan.
    const exact =
      version.match === 'Exact' || (version.match === undefined && (limit > 0 || isChunked) && version.revision > 0);
    if (exact) snapshot = version.revision;
  }
  const { objects: kept, revision } = await snapshotOf(context, target, snapshot, token);
  const objects = allShownAs(resource, kept);
  const first = token === undefined ? 0 : firstAfter(objects, resource.prefix + token.after);
  const found: StoredObject[] = [];
  // Anything cached is answered whole.
  const most = limit > 0 && !(token === undefined && version.revision === 0) ? limit : Number.POSITIVE_INFINITY;
  let index = first;
  for (; index < objects.length && found.length < most; index++) {
    const stored = objects[index]!;
    if (matches(selection, stored)) found.push(stored);
  }
  const metadata: Record<string, unknown> = { resourceVersion: String(revision) };
  // What is left need not match: that is not known before it is looked at.
  if (index < objects.length) {
    const after = found.at(-1)!.key.slice(resource.prefix.length);
    metadata.continue = continueToken({ revision, after });
    if (selection.everything) metadata.remainingItemCount = objects.length - index;
  }
  return { found, metadata };
}

/** Metadata of a list was asked of one object, or the other way round; the type is told as Go names it. */
function wrongForm(resource: ServedResource, isList: boolean): StatusError {
  const { custom, typeId, kind, facts } = resource;
  const name = isList ? (facts.listKind ?? `${kind}List`) : kind;
  const type =
    custom === undefined
      ? `${typeId.slice(0, typeId.indexOf('.'))}.${name}`
      : `unstructured.Unstructured${isList ? 'List' : ''}`;
  const asked = `you requested PartialObjectMetadata${isList ? '' : 'List'}`;
  const text = `${asked}, but the requested object is ${isList ? 'a' : 'not a'} list (*${type})`;
  return new StatusError(406, 'NotAcceptable', text);
}

/** The objects of a namespace at a revision (absent: now), in key order. */
async function snapshotOf(
  context: RestContext,
  target: RestRequest,
  revision: number | undefined,
  token: { readonly revision: number; readonly after: string } | undefined,
): Promise<{ readonly objects: readonly StoredObject[]; readonly revision: number }> {
  const { resource, namespace } = target;
  const cache = context.cache.resource(resource.prefix);
  if (revision === undefined || (cache.lastChange <= revision && revision <= context.cache.revision)) {
    return { objects: cache.list(namespace), revision: revision ?? context.cache.revision };
  }
  const prefix = namespace === '' ? resource.prefix : `${resource.prefix}${namespace}/`;
  const result = await context.storage.range(prefix, { revision });
  if (result.ok) return { objects: result.entries.map((entry) => new StoredObject(entry)), revision };
  if (token !== undefined) throw continueExpired(token);
  throw expired('The resourceVersion for the provided list is too old.');
}

function firstAfter(objects: readonly StoredObject[], key: string): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (objects[middle]!.key <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
