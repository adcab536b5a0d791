import type { ResourceRef } from '@fairlead/api';
import { resourceFacts } from '@fairlead/api/schema';
import { type ApiClient, ApiError, type PatchType } from './api-client.ts';
import { patchMediaTypes } from './http-client.ts';

/** Answers raw requests on the fake: discovery of the built-in resources, and objects by path. */
export async function answerRequest(
  api: ApiClient,
  method: string,
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { pathname, searchParams } = new URL(url, 'https://fake');
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (method === 'GET') {
    const discovery = discover(parts);
    if (discovery !== undefined) return discovery;
  }
  const [root, ...rest] = parts;
  const [group = '', version = ''] = root === 'api' ? ['', rest.shift()] : [rest.shift(), rest.shift()];
  let namespace: string | undefined;
  if (rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '')) {
    namespace = rest[1];
    rest.splice(0, 2);
  }
  const [plural = '', name, subresource] = rest;
  const facts = resourceFacts.find((entry) => entry.group === group && entry.plural === plural);
  if (facts === undefined || version === '') throw new ApiError(404, 'NotFound', `${pathname} not found`);
  const ref: ResourceRef<{ metadata?: object }> = facts;
  const selection = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(searchParams.has('labelSelector') ? { labelSelector: searchParams.get('labelSelector') as string } : {}),
    ...(searchParams.has('fieldSelector') ? { fieldSelector: searchParams.get('fieldSelector') as string } : {}),
  };
  const write = subresource === undefined ? {} : { subresource };
  if (name === undefined) {
    if (method === 'POST') return api.create(ref, body as { metadata?: object });
    const list = await api.list(ref, selection);
    if (method === 'DELETE') {
      for (const { metadata } of list.items) {
        await api.delete(ref, {
          name: metadata.name,
          ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        });
      }
    }
    const metadata = { resourceVersion: list.resourceVersion };
    return {
      kind: `${facts.kind}List`,
      apiVersion: group === '' ? version : `${group}/${version}`,
      metadata,
      items: list.items,
    };
  }
  const target = { name, ...(namespace === undefined ? {} : { namespace }) };
  switch (method) {
    case 'GET':
      return api.get(ref, target);
    case 'POST':
      return api.create(ref, { ...(body as object), metadata: { ...target } }, write);
    case 'PUT':
      return api.update(ref, body as { metadata?: object }, write);
    case 'PATCH': {
      const type = Object.entries(patchMediaTypes).find(([, media]) => media === headers['content-type'])?.[0];
      return api.patch(ref, target, (type ?? 'merge') as PatchType, body, write);
    }
    case 'DELETE':
      await api.delete(ref, target, (body ?? {}) as object);
      return { kind: 'Status', status: 'Success' };
    default:
      throw new ApiError(405, 'MethodNotAllowed', `${method} is not supported`);
  }
}

/** Discovery documents: `/api`, `/apis`, `/api/v1`, `/apis/GROUP/VERSION`. */
function discover(parts: readonly string[]): unknown {
  const [root, first, second] = parts;
  if (root === 'api' && parts.length === 1) return { kind: 'APIVersions', versions: ['v1'] };
  if (root === 'apis' && parts.length === 1) {
    const versionsOf = new Map<string, Set<string>>();
    for (const { group, version } of resourceFacts) {
      if (group !== '') versionsOf.set(group, (versionsOf.get(group) ?? new Set()).add(version));
    }
    const groups = [...versionsOf].map(([name, versions]) => {
      const entries = [...versions].map((version) => ({ groupVersion: `${name}/${version}`, version }));
      return { name, versions: entries, preferredVersion: entries[0] };
    });
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }
  const group = root === 'api' && parts.length === 2 ? '' : root === 'apis' && parts.length === 3 ? first : undefined;
  if (group === undefined) return undefined;
  const version = group === '' ? first : second;
  const resources = resourceFacts
    .filter((facts) => facts.group === group && facts.version === version)
    .map(({ plural, singular, namespaced, kind, verbs }) => ({
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
    }));
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return resources.length === 0 ? undefined : { kind: 'APIResourceList', groupVersion, resources };
}
