import { type ResourceFacts, resourceFor, schemaForKind } from '@fairlead/api/schema';

/** One resource this server serves, with what the request pipeline needs of it. */
export interface ServedResource {
  readonly facts: ResourceFacts;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  readonly namespaced: boolean;
  /** Type in the schema table: `core.v1.Service`. */
  readonly typeId: string;
  /** Key prefix in the store. */
  readonly prefix: string;
  /** Subresources served now, by name. */
  readonly subresources: ReadonlySet<string>;
}

/**
 * Every served resource and its subresources: the one list.
 *
 * Discovery, routing, OpenAPI and storage follow it. Events are stored once and served in the
 * core group only.
 */
const served: readonly (readonly [group: string, version: string, plural: string, subresources: string])[] = [
  ['', 'v1', 'configmaps', ''],
  ['', 'v1', 'endpoints', ''],
  ['', 'v1', 'events', ''],
  ['', 'v1', 'namespaces', 'finalize status'],
  ['', 'v1', 'nodes', 'status'],
  ['', 'v1', 'pods', 'attach binding eviction exec log portforward status'],
  ['', 'v1', 'secrets', ''],
  ['', 'v1', 'serviceaccounts', 'token'],
  ['', 'v1', 'services', 'status'],
  ['apps', 'v1', 'deployments', 'scale status'],
  ['apps', 'v1', 'replicasets', 'scale status'],
  ['coordination.k8s.io', 'v1', 'leases', ''],
  ['discovery.k8s.io', 'v1', 'endpointslices', ''],
  ['networking.k8s.io', 'v1', 'ingressclasses', ''],
  ['networking.k8s.io', 'v1', 'ingresses', 'status'],
];

/** Group versions in the order discovery lists them. */
export const groupVersions: readonly (readonly [group: string, version: string])[] = [
  ['apps', 'v1'],
  ['networking.k8s.io', 'v1'],
  ['coordination.k8s.io', 'v1'],
  ['discovery.k8s.io', 'v1'],
];

/** The resources of this server, by group version and plural name. */
export class ServedResources {
  readonly all: readonly ServedResource[];
  readonly #byPath = new Map<string, ServedResource>();
  readonly #versions = new Map<string, Set<string>>();

  constructor(resources: readonly ServedResource[]) {
    this.all = resources;
    for (const resource of resources) {
      this.#byPath.set(`${resource.apiVersion}/${resource.plural}`, resource);
      const versions = this.#versions.get(resource.group) ?? new Set();
      versions.add(resource.version);
      this.#versions.set(resource.group, versions);
    }
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(`${group === '' ? version : `${group}/${version}`}/${plural}`);
  }

  hasGroup(group: string): boolean {
    return this.#versions.has(group);
  }

  ofGroupVersion(group: string, version: string): ServedResource[] {
    return this.all.filter((resource) => resource.group === group && resource.version === version);
  }

  /** The resource of a kind. */
  ofKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.all.find((resource) => resource.apiVersion === apiVersion && resource.kind === kind);
  }
}

/** The built-in resources. */
export function builtInResources(): ServedResources {
  return new ServedResources(
    served.map(([group, version, plural, subresources]) => {
      const facts = resourceFor(group, version, plural);
      if (facts === undefined) throw new Error(`no facts about ${group}/${version}/${plural}`);
      const apiVersion = group === '' ? version : `${group}/${version}`;
      const schema = schemaForKind(apiVersion, facts.kind);
      if (schema === undefined) throw new Error(`no schema for ${apiVersion} ${facts.kind}`);
      return {
        facts,
        group,
        version,
        plural,
        kind: facts.kind,
        apiVersion,
        namespaced: facts.namespaced,
        typeId: schema.id,
        prefix: `/${group === '' ? 'core' : group}/${plural}/`,
        subresources: new Set(subresources.split(' ').filter((name) => name !== '')),
      };
    }),
  );
}
