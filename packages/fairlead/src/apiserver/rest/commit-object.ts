// Hot path: every write ends here.
import { shownAs, storable } from '../crd/custom-view.ts';
import type { Companion } from '../resources/companion.ts';
import { alreadyExists, conflict, invalid, modifiedText } from '../server/status-error.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { eventLifetimeMs, isEvent } from './event-expiry.ts';
import type { RestContext, RestRequest } from './rest-context.ts';

/** Tries of a write whose companions lose against other writers. */
const companionAttempts = 16;

/** Stores an object with its companions, in one transaction; throws 409 where another write came first. */
export async function commitObject(
  context: RestContext,
  target: RestRequest,
  key: string,
  object: KubeObject,
  current: StoredObject | undefined,
  dryRun: boolean,
  companion: Companion,
): Promise<StoredObject> {
  const { resource } = target;
  const name = object.metadata.name ?? '';
  if (dryRun) {
    const { form } = resource;
    return form === undefined ? shownOnly(current, object) : form.view(shownOnly(current, form.toStorage(object)));
  }
  for (let attempt = 1; ; attempt++) {
    const kept = await storable(resource, object);
    const lifetime = isEvent(resource) ? { lifetimeMs: eventLifetimeMs } : {};
    const expect = current?.modRevision ?? 0;
    const main = { key, expect, value: storedValue(kept), decoded: kept, ...lifetime };
    const writes = [main, ...companion.writes()];
    const result = await context.storage.commitAll(writes);
    if (result.ok) {
      const entry = result.entries[0]!;
      const cached = context.cache.resource(resource.prefix).get(key);
      const newest = cached?.modRevision === entry.modRevision ? cached : new StoredObject(entry);
      if (kept !== object) resource.custom?.remember(newest, object);
      return shownAs(resource, newest);
    }
    if (result.index === 0 || attempt >= companionAttempts) {
      if (current === undefined && result.index === 0) throw alreadyExists(resource, name, false);
      throw conflict(resource, name, modifiedText);
    }
    const causes = companion.lost(writes[result.index]!.key, result.current);
    if (causes !== undefined) throw invalid(resource, name, causes);
  }
}

/** Removes an object from the store. False: it changed in the meantime. */
export async function removeObject(
  context: RestContext,
  target: RestRequest,
  current: StoredObject,
  dryRun: boolean,
): Promise<StoredObject | false> {
  if (dryRun) return current;
  const companion = context.allocator.release(target.resource, current.object);
  const main = { key: current.key, expect: current.modRevision, value: undefined };
  for (let attempt = 1; ; attempt++) {
    const writes = [main, ...companion.writes()];
    const result = await context.storage.commitAll(writes);
    if (result.ok) return new StoredObject(result.entries[0]!);
    if (result.index === 0 || attempt >= companionAttempts) return false;
    companion.lost(writes[result.index]!.key, result.current);
  }
}

/** An object to show that is not stored: of a dry run, or the last words of a removed one. */
export function shownOnly(current: StoredObject | undefined, object: KubeObject): StoredObject {
  const revision = current?.modRevision;
  if (revision === undefined) {
    const { resourceVersion: _, ...metadata } = object.metadata;
    return new StoredObject({
      key: '',
      value: JSON.stringify({ ...object, metadata }),
      createRevision: 0,
      modRevision: 0,
    });
  }
  return new StoredObject({
    key: current!.key,
    value: storedValue(object),
    createRevision: current!.createRevision,
    modRevision: revision,
  });
}
