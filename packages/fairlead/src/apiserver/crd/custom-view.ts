// Hot path: every object that is read passes here; for built-in kinds it costs one comparison.
import type { ServedResource } from '../resources/served-resources.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { type ObjectCache, storeKey } from '../watch/object-cache.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { WatchEvent } from '../watch/watch-event.ts';

const views = new WeakMap<WatchEvent, Map<ServedResource, WatchEvent>>();

/** A stored object as a resource shows it: in the version asked for, with today's defaults. */
export function shownAs(resource: ServedResource, stored: StoredObject): StoredObject {
  const form = resource.custom ?? resource.form;
  return form === undefined ? stored : form.view(stored);
}

/** Stored objects as a resource shows them. */
export function allShownAs(resource: ServedResource, list: readonly StoredObject[]): readonly StoredObject[] {
  const form = resource.custom ?? resource.form;
  return form === undefined ? list : list.map((stored) => form.view(stored));
}

/** Has objects converted that a request is about, so that they can be shown without waiting. */
export async function prepareViews(
  cache: ObjectCache,
  route: { resource: ServedResource; namespace: string; name: string | undefined },
): Promise<void> {
  const { resource, namespace, name } = route;
  if (resource.custom === undefined) return;
  const objects = cache.resource(resource.prefix);
  const one = name === undefined ? undefined : objects.get(storeKey(resource.prefix, namespace, name));
  await resource.custom.prepare(name === undefined ? objects.list(namespace) : one === undefined ? [] : [one]);
}

/** True when an event cannot be shown before a webhook has converted its objects. */
export function eventNeedsConversion(resource: ServedResource, event: WatchEvent): boolean {
  const { custom } = resource;
  if (custom === undefined) return false;
  return (
    custom.needsConversion(event.current) || (event.previous !== undefined && custom.needsConversion(event.previous))
  );
}

/** An object as the store keeps it. */
export async function storable(resource: ServedResource, object: KubeObject): Promise<KubeObject> {
  return resource.custom?.toStorage(object) ?? resource.form?.toStorage(object) ?? object;
}

/** An event as a resource shows it; one per resource, so that its watchers share the encoding. */
export function eventShownAs(resource: ServedResource, event: WatchEvent): WatchEvent {
  const form = resource.custom ?? resource.form;
  if (form === undefined) return event;
  const known = views.get(event)?.get(resource);
  if (known !== undefined) return known;
  const current = form.view(event.current);
  const previous = event.previous === undefined ? undefined : form.view(event.previous);
  const same = current === event.current && previous === event.previous;
  const shown = same ? event : new WatchEvent(current, previous, event.deleted);
  const byResource = views.get(event) ?? new Map<ServedResource, WatchEvent>();
  byResource.set(resource, shown);
  views.set(event, byResource);
  return shown;
}
