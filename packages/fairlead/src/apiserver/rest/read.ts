// Hot path: get and list of the newest state never leave memory.
import { allShownAs } from '../crd/custom-view.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { expired, invalid } from '../server/status-error.ts';
import { matches, parseSelection } from '../watch/selection.ts';
import { StoredObject } from '../watch/stored-object.ts';
import {
  continueExpired,
  continueToken,
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
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  const wanted = parseVersion(request.query.get('resourceVersion') ?? '');
  if (wanted !== undefined) await waitForVersion(context, wanted, request.signal);
  return textAnswer(200, representation, objectText(form, existing(context, target, name)));
}

/** GET of a collection, whole or in chunks of one snapshot. */
export async function listObjects(context: RestContext, target: RestRequest): Promise<ApiAnswer> {
  const { request, resource, namespace } = target;
  const { query } = request;
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, query, context.clock.now());
  const version = listVersion(query, false);
  const selection = parseSelection(resource, namespace, query);
  const limit = listLimit(query);
  const continued = query.get('continue') ?? '';
  const token = continued === '' ? undefined : parseContinueToken(continued);
  let snapshot: number | undefined;
  if (token !== undefined) {
    if (token.revision > 0) snapshot = token.revision;
  } else if (version.revision !== undefined) {
    await waitForVersion(context, version.revision, request.signal);
    // A limit with a version means that version, unless it is 0 or NotOlderThan.
    const exact = version.match === 'Exact' || (version.match === undefined && limit > 0 && version.revision > 0);
    if (exact) snapshot = version.revision;
  }
  const { objects: kept, revision } = await snapshotOf(context, target, snapshot, token);
  const objects = allShownAs(resource, kept);
  const first = token === undefined ? 0 : firstAfter(objects, resource.prefix + token.after);
  const found: StoredObject[] = [];
  let more = false;
  let index = first;
  for (; index < objects.length; index++) {
    const stored = objects[index]!;
    if (!matches(selection, stored)) continue;
    if (limit > 0 && found.length === limit) {
      more = true;
      break;
    }
    found.push(stored);
  }
  const metadata: Record<string, unknown> = { resourceVersion: String(revision) };
  if (resource.custom !== undefined && representation.as === undefined) metadata.continue = '';
  if (more) {
    const after = found.at(-1)!.key.slice(resource.prefix.length);
    metadata.continue = continueToken({ revision, after });
    if (selection.everything) metadata.remainingItemCount = objects.length - index;
  }
  return textAnswer(200, representation, listText(form, found, metadata));
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

function listLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') return 0;
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      {
        reason: 'FieldValueInvalid',
        field: 'limit',
        message: `Invalid value: ${text}: must be a non-negative integer`,
      },
    ]);
  }
  return limit;
}
