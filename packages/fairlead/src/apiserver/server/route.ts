import type { ServedResource, ServedResources } from '../resources/served-resources.ts';

/** What a request path means. Everything under /api and /apis that names a resource. */
export type Route =
  | { readonly kind: 'page-not-found' }
  | { readonly kind: 'unknown-resource' }
  /** A subresource that a custom resource does not have. */
  | { readonly kind: 'no-such-part'; readonly resource: ServedResource; readonly name: string }
  | {
      readonly kind: 'resource';
      readonly resource: ServedResource;
      /** Empty for cluster scope and for all namespaces. */
      readonly namespace: string;
      /** Absent: the collection. */
      readonly name: string | undefined;
      readonly subresource: string | undefined;
      /** The old `/watch/` form of a path. */
      readonly watch: boolean;
    };

/** Finds the resource of a path such as `/apis/apps/v1/namespaces/x/deployments/y/scale`. */
export function routeResource(path: string, served: ServedResources): Route {
  const segments = path.split('/').slice(1).map(decodeSegment);
  if (segments.at(-1) === '') segments.pop();
  let group: string;
  let version: string;
  let rest: string[];
  if (segments[0] === 'api') {
    group = '';
    version = segments[1] ?? '';
    rest = segments.slice(2);
  } else {
    group = segments[1] ?? '';
    version = segments[2] ?? '';
    rest = segments.slice(3);
  }
  if (!served.hasGroup(group) || (group === '' && segments[0] === 'apis')) return { kind: 'page-not-found' };
  const watch = rest[0] === 'watch';
  if (watch) rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length >= 3 && !(rest.length === 3 && isNamespaceSubresource(rest[2]!))) {
    namespace = rest[1]!;
    rest = rest.slice(2);
  }
  const resource = served.find(group, version, rest[0] ?? '');
  const [, name, subresource] = rest;
  const scopeFits = resource !== undefined && (namespace === '' || resource.namespaced);
  const isCustom = resource?.custom !== undefined;
  // An encoded slash is one more part of the path.
  if (name?.includes('/') === true && !isCustom) return { kind: 'unknown-resource' };
  if (!scopeFits || (rest.length > 3 && !isCustom) || (name !== undefined && resource.namespaced && namespace === '')) {
    return { kind: served.isCustomGroup(group) ? 'page-not-found' : 'unknown-resource' };
  }
  if (subresource !== undefined && (rest.length > 3 || !resource.subresources.has(subresource))) {
    return isCustom ? { kind: 'no-such-part', resource, name: name ?? '' } : { kind: 'unknown-resource' };
  }
  return { kind: 'resource', resource, namespace, name, subresource, watch };
}

function isNamespaceSubresource(segment: string): boolean {
  return segment === 'status' || segment === 'finalize';
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
