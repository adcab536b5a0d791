import { type ApiRequest, anonymousUser } from './api-request.ts';
import type { Route } from './route.ts';
import { qualifiedResource, StatusError } from './status-error.ts';

/** Paths everyone may read: health and version, as the default roles of Kubernetes allow. */
const publicPaths: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/**
 * Refuses what the user may not do.
 *
 * Identities of our own client certificates and tokens may do everything; anonymous and
 * ServiceAccount users nothing but the public paths. Role-based rules are not here yet.
 */
export function authorize(request: ApiRequest, route: Route | undefined): void {
  const { user, path } = request;
  const limited = user.name === anonymousUser.name || user.groups.includes('system:serviceaccounts');
  if (!limited || publicPaths.has(path)) return;
  if (route?.kind !== 'resource') {
    const verb = request.method === 'GET' ? 'get' : request.method.toLowerCase();
    throw new StatusError(403, 'Forbidden', `forbidden: User "${user.name}" cannot ${verb} path "${path}"`, {});
  }
  const { resource, namespace, name, subresource } = route;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const subject = qualifiedResource(resource) + (name === undefined ? '' : ` "${name}"`);
  throw new StatusError(
    403,
    'Forbidden',
    `${subject} is forbidden: User "${user.name}" cannot ${verbOf(request, route)} resource "${full}" in API group "${resource.group}" ${scope}`,
    {
      ...(name === undefined ? {} : { name }),
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
    },
  );
}

/** The Kubernetes verb of a request. */
export function verbOf(request: ApiRequest, route: Extract<Route, { kind: 'resource' }>): string {
  const collection = route.name === undefined;
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      if (route.watch || isWatch(request.query)) return 'watch';
      return collection ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return collection ? 'deletecollection' : 'delete';
    default:
      return request.method.toLowerCase();
  }
}

/** `watch=true`, `watch=1` or a bare `watch`. */
export function isWatch(query: URLSearchParams): boolean {
  const value = query.get('watch');
  return value !== null && value !== 'false' && value !== '0';
}
