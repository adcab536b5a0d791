import { schemaTypes } from './all-types.ts';
import type { ResourceFacts } from './resource-facts.ts';
import { resourceFacts } from './resources.ts';
import type { SchemaType } from './schema-type.ts';

const typeByGvk = new Map<string, string>();
for (const [id, type] of Object.entries(schemaTypes)) {
  if (Array.isArray(type.gvk)) for (const gvk of type.gvk) typeByGvk.set(gvk, id);
}

// Kinds that OpenAPI does not publish have no gvk; reviews and discovery live in one group each.
const UNPUBLISHED_GROUPS: Readonly<Record<string, string>> = {
  admission: 'admission.k8s.io',
  apidiscovery: 'apidiscovery.k8s.io',
  apiextensions: 'apiextensions.k8s.io',
};
// Meta kinds (Status, DeleteOptions ...) are registered in every group version.
const metaKinds = new Map<string, string>();
for (const [id, type] of Object.entries(schemaTypes)) {
  const [group = '', version = '', kind = ''] = id.split('.');
  const apiGroup = UNPUBLISHED_GROUPS[group];
  if (type.fields?.kind?.typeMeta !== true) continue;
  if (group === 'meta') metaKinds.set(kind, id);
  else if (apiGroup !== undefined && type.gvk === undefined) typeByGvk.set(`${apiGroup}/${version}/${kind}`, id);
}

const byPlural = new Map<string, ResourceFacts>();
const byKind = new Map<string, ResourceFacts>();
for (const facts of resourceFacts) {
  byPlural.set(`${facts.group}/${facts.version}/${facts.plural}`, facts);
  byKind.set(`${facts.group}/${facts.version}/${facts.kind}`, facts);
}

/** `group/version/Kind`, with an empty group for `v1`. */
export function gvkOf(apiVersion: string, kind: string): string {
  return apiVersion.includes('/') ? `${apiVersion}/${kind}` : `/${apiVersion}/${kind}`;
}

/** The schema of a kind, or `undefined` when the kind is not built in. */
export function schemaForKind(apiVersion: string, kind: string): { id: string; type: SchemaType } | undefined {
  const id = typeByGvk.get(gvkOf(apiVersion, kind)) ?? metaKinds.get(kind);
  const type = id === undefined ? undefined : schemaTypes[id];
  return id === undefined || type === undefined ? undefined : { id, type };
}

/** The served resource with this plural name; the core group is empty. */
export function resourceFor(group: string, version: string, plural: string): ResourceFacts | undefined {
  return byPlural.get(`${group}/${version}/${plural}`);
}

/** The served resource of a kind. */
export function resourceByKind(apiVersion: string, kind: string): ResourceFacts | undefined {
  return byKind.get(gvkOf(apiVersion, kind));
}
