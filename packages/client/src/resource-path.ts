import type { ResourceRef } from '@fairlead/api';
import type { ListOptions, WatchOptions } from './api-client.ts';

/** What of a resource a path points at: all objects, those of a namespace, one, or its subresource. */
export interface PathTarget {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The URL path of a resource, an object or a subresource, without query. */
export function resourcePath(ref: ResourceRef<unknown>, target: PathTarget = {}): string {
  const parts = ref.group === '' ? ['/api', ref.version] : ['/apis', ref.group, ref.version];
  if (ref.namespaced && target.namespace !== undefined && target.namespace !== '') {
    parts.push('namespaces', encodeURIComponent(target.namespace));
  }
  parts.push(ref.plural);
  if (target.name !== undefined) {
    parts.push(encodeURIComponent(target.name));
    if (target.subresource !== undefined) parts.push(target.subresource);
  }
  return parts.join('/');
}

/** Appends the defined parameters to a path. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

/** Path and query of a list. */
export function listPath(ref: ResourceRef<unknown>, options: ListOptions): string {
  return withQuery(resourcePath(ref, { namespace: options.namespace }), {
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
  });
}

/** Path and query of a watch. */
export function watchPath(ref: ResourceRef<unknown>, options: WatchOptions): string {
  return withQuery(resourcePath(ref, { namespace: options.namespace }), {
    watch: true,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowBookmarks === true ? true : undefined,
    sendInitialEvents: options.sendInitialEvents,
    resourceVersionMatch: options.sendInitialEvents === undefined ? undefined : 'NotOlderThan',
    timeoutSeconds: options.timeoutSeconds,
  });
}
