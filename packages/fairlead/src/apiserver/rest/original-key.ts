import type { ServedResource } from '../resources/served-resources.ts';

/** Resources that a Kubernetes server keeps under another name than their own. */
const renamed: Readonly<Record<string, string>> = {
  services: 'services/specs',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  ingresses: 'ingress',
};
/** Groups whose objects are kept under the name of the group too. */
const underGroup: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** The key under which a Kubernetes server would keep an object, which some of its messages tell. */
export function originalKey(resource: ServedResource, namespace: string, name: string): string {
  const { group, plural, custom } = resource;
  const folder = custom !== undefined || underGroup.has(group) ? `${group}/${plural}` : (renamed[plural] ?? plural);
  return `/registry/${folder}/${namespace === '' ? '' : `${namespace}/`}${name}`;
}
