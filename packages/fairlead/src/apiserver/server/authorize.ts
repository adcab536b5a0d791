// Hot path: every request passes through here.
import type { Authorizer } from '../authorization/authorizer.ts';
import type { PathAttributes, ResourceAttributes } from '../authorization/policy-rule.ts';
import { type ApiRequest, isAdministrator, type UserInfo } from './api-request.ts';
import { qualifiedResource, StatusError } from './status-error.ts';

/** What a request is about, for authorization, audit and limits. */
export type RequestAttributes =
  | ({ readonly kind: 'resource' } & ResourceAttributes)
  | ({ readonly kind: 'path' } & PathAttributes);

const decisionAnnotation = 'authorization.k8s.io/decision';
const reasonAnnotation = 'authorization.k8s.io/reason';
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** Refuses what the user may not do, by roles. */
export function authorize(authorizer: Authorizer, request: ApiRequest, wanted: RequestAttributes): void {
  const { auditAnnotations } = request;
  if (isAdministrator(request.user)) {
    auditAnnotations?.set(decisionAnnotation, 'allow').set(reasonAnnotation, '');
    return;
  }
  const decision =
    wanted.kind === 'resource' ? authorizer.resource(request.user, wanted) : authorizer.path(request.user, wanted);
  auditAnnotations?.set(decisionAnnotation, decision.allowed ? 'allow' : 'forbid');
  auditAnnotations?.set(reasonAnnotation, decision.reason);
  if (!decision.allowed) throw refusal(request.user, wanted, decision.reason);
}

/** The 403 of an action that no role allows; `reason` may be empty. */
export function refusal(user: UserInfo, wanted: RequestAttributes, reason: string): StatusError {
  const why = reason === '' ? '' : `: ${reason}`;
  if (wanted.kind === 'path') {
    const text = `forbidden: User "${user.name}" cannot ${wanted.verb} path "${wanted.path}"${why}`;
    return new StatusError(403, 'Forbidden', text, {});
  }
  const { verb, group, resource, subresource, namespace, name } = wanted;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const subject = qualifiedResource({ group, plural: resource, kind: '' }) + (name === '' ? '' : ` "${name}"`);
  return new StatusError(
    403,
    'Forbidden',
    `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}${why}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  );
}

/** What a request is about: by its path alone, so that unknown resources are judged too. */
export function requestAttributes(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): RequestAttributes {
  const segments = request.path.split('/').slice(1).map(decoded);
  if (segments.at(-1) === '') segments.pop();
  const core = segments[0] === 'api';
  const start = core ? 2 : 3;
  if ((!core && segments[0] !== 'apis') || segments.length <= start) {
    return { kind: 'path', verb: plainVerb(request.method), path: request.path };
  }
  const group = core ? '' : segments[1]!;
  const version = segments[start - 1]!;
  let rest = segments.slice(start);
  let verb = resourceVerb(request.method);
  if (rest[0] === 'watch' && rest.length > 1) {
    verb = 'watch';
    rest = rest.slice(1);
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    // A namespace belongs to itself, so that its own roles may speak about it.
    namespace = rest[1]!;
    if (rest.length > 2 && !namespaceSubresources.has(rest[2]!)) rest = rest.slice(2);
  }
  const [resource = '', given = '', subresource = ''] = rest;
  let name = given;
  if (name === '' && verb === 'get') verb = isWatch(request.query) ? 'watch' : 'list';
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  if (name === '' && (verb === 'list' || verb === 'watch' || verb === 'deletecollection')) {
    name = selectedName(request.query);
  }
  const attributes = { kind: 'resource', verb, group, version, resource, subresource, namespace, name } as const;
  const fieldSelector = verb === 'list' || verb === 'watch' ? request.query.get('fieldSelector') : null;
  return fieldSelector === null ? attributes : { ...attributes, fieldSelector };
}

/** The one name that a field selector asks for, or empty. */
function selectedName(query: URLSearchParams): string {
  const match = /(?:^|,)metadata\.name={1,2}([^,=!]+)/.exec(query.get('fieldSelector') ?? '');
  return match?.[1] ?? '';
}

function plainVerb(method: string): string {
  return method.toLowerCase();
}

function resourceVerb(method: string): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    default:
      return method.toLowerCase();
  }
}

function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `watch=true`, `watch=1` or a bare `watch`. */
export function isWatch(query: URLSearchParams): boolean {
  const value = query.get('watch');
  return value !== null && value !== 'false' && value !== '0';
}
