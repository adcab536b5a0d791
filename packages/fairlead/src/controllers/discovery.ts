import type { ResourceRef } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';

/** A resource that a server says it serves. */
export interface DiscoveredResource extends ResourceRef<unknown> {
  readonly verbs: readonly string[];
}

interface GroupList {
  readonly groups?: readonly { readonly name: string; readonly preferredVersion?: { readonly version: string } }[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs?: readonly string[];
  }[];
}

/** All resources of a server, each group in its preferred version, without subresources. */
export async function discoverResources(client: ApiClient): Promise<DiscoveredResource[]> {
  const { groups = [] } = (await client.request('GET', '/apis')) as GroupList;
  const versions = [{ group: '', version: 'v1' }];
  for (const { name, preferredVersion } of groups) {
    if (preferredVersion !== undefined) versions.push({ group: name, version: preferredVersion.version });
  }
  const lists = await Promise.all(
    versions.map(async ({ group, version }) => {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
      const { resources = [] } = (await client.request('GET', path)) as ResourceList;
      return resources
        .filter((resource) => !resource.name.includes('/'))
        .map(({ name, kind, namespaced, verbs = [] }) => ({ group, version, plural: name, kind, namespaced, verbs }));
    }),
  );
  return lists.flat();
}
