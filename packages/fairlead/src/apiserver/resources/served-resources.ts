import { type ResourceFacts, resourceFor, schemaForKind } from '@fairlead/api/schema';
import type { CustomKind } from '../crd/custom-kind.ts';
import { type OtherForm, otherForms } from './other-form.ts';

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
  /** Set for resources that a CustomResourceDefinition declares. */
  readonly custom?: CustomKind;
  /** Set for a built-in version that is stored in the form of another one. */
  readonly form?: OtherForm;
}

/**
 * Every served resource and its subresources: the one list.
 *
 * Discovery, routing, OpenAPI and storage follow it. Events are stored once, in the form of
 * the core group, and served in both.
 */
const served: readonly (readonly [group: string, version: string, plural: string, subresources: string])[] = [
  ['admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', ''],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', 'status'],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicybindings', ''],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', ''],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'status'],
  ['apiregistration.k8s.io', 'v1', 'apiservices', 'status'],
  ['', 'v1', 'bindings', ''],
  ['', 'v1', 'componentstatuses', ''],
  ['', 'v1', 'configmaps', ''],
  ['', 'v1', 'endpoints', ''],
  ['', 'v1', 'events', ''],
  ['', 'v1', 'limitranges', ''],
  ['', 'v1', 'namespaces', 'finalize status'],
  ['', 'v1', 'nodes', 'status'],
  ['', 'v1', 'persistentvolumeclaims', 'status'],
  ['', 'v1', 'persistentvolumes', 'status'],
  ['', 'v1', 'pods', 'attach binding ephemeralcontainers eviction exec log portforward resize status'],
  ['', 'v1', 'podtemplates', ''],
  ['', 'v1', 'replicationcontrollers', 'scale status'],
  ['', 'v1', 'resourcequotas', 'status'],
  ['', 'v1', 'secrets', ''],
  ['', 'v1', 'serviceaccounts', 'token'],
  ['', 'v1', 'services', 'status'],
  ['authentication.k8s.io', 'v1', 'selfsubjectreviews', ''],
  ['authentication.k8s.io', 'v1', 'tokenreviews', ''],
  ['authorization.k8s.io', 'v1', 'localsubjectaccessreviews', ''],
  ['authorization.k8s.io', 'v1', 'selfsubjectaccessreviews', ''],
  ['authorization.k8s.io', 'v1', 'selfsubjectrulesreviews', ''],
  ['authorization.k8s.io', 'v1', 'subjectaccessreviews', ''],
  ['apps', 'v1', 'controllerrevisions', ''],
  ['apps', 'v1', 'daemonsets', 'status'],
  ['apps', 'v1', 'deployments', 'scale status'],
  ['apps', 'v1', 'replicasets', 'scale status'],
  ['apps', 'v1', 'statefulsets', 'scale status'],
  ['autoscaling', 'v1', 'horizontalpodautoscalers', 'status'],
  ['autoscaling', 'v2', 'horizontalpodautoscalers', 'status'],
  ['batch', 'v1', 'cronjobs', 'status'],
  ['batch', 'v1', 'jobs', 'status'],
  ['certificates.k8s.io', 'v1', 'certificatesigningrequests', 'approval status'],
  ['coordination.k8s.io', 'v1', 'leases', ''],
  ['discovery.k8s.io', 'v1', 'endpointslices', ''],
  ['events.k8s.io', 'v1', 'events', ''],
  ['flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas', 'status'],
  ['flowcontrol.apiserver.k8s.io', 'v1', 'prioritylevelconfigurations', 'status'],
  ['networking.k8s.io', 'v1', 'ingressclasses', ''],
  ['networking.k8s.io', 'v1', 'ingresses', 'status'],
  ['networking.k8s.io', 'v1', 'ipaddresses', ''],
  ['networking.k8s.io', 'v1', 'networkpolicies', ''],
  ['networking.k8s.io', 'v1', 'servicecidrs', 'status'],
  ['node.k8s.io', 'v1', 'runtimeclasses', ''],
  ['policy', 'v1', 'poddisruptionbudgets', 'status'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', ''],
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles', ''],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings', ''],
  ['rbac.authorization.k8s.io', 'v1', 'roles', ''],
  ['resource.k8s.io', 'v1', 'deviceclasses', ''],
  ['resource.k8s.io', 'v1', 'resourceclaims', 'status'],
  ['resource.k8s.io', 'v1', 'resourceclaimtemplates', ''],
  ['resource.k8s.io', 'v1', 'resourceslices', ''],
  ['scheduling.k8s.io', 'v1', 'priorityclasses', ''],
  ['storage.k8s.io', 'v1', 'csidrivers', ''],
  ['storage.k8s.io', 'v1', 'csinodes', ''],
  ['storage.k8s.io', 'v1', 'csistoragecapacities', ''],
  ['storage.k8s.io', 'v1', 'storageclasses', ''],
  ['storage.k8s.io', 'v1', 'volumeattachments', 'status'],
  ['storage.k8s.io', 'v1', 'volumeattributesclasses', ''],
];

/** Where a group version stands in discovery: groups by falling priority, then its versions. */
export interface GroupVersionPriority {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
}

function priorityOf(group: string, version: string, groupPriority: number, versionPriority = 15): GroupVersionPriority {
  return { group, version, groupPriority, versionPriority };
}

/** Built-in group versions with their priorities, in the order discovery lists them; the core group goes by itself. */
const builtInGroupVersions: readonly GroupVersionPriority[] = [
  priorityOf('apiregistration.k8s.io', 'v1', 20_000),
  priorityOf('apps', 'v1', 17_800),
  priorityOf('events.k8s.io', 'v1', 17_750),
  priorityOf('authentication.k8s.io', 'v1', 17_700),
  priorityOf('authorization.k8s.io', 'v1', 17_600),
  priorityOf('autoscaling', 'v2', 17_500, 30),
  priorityOf('autoscaling', 'v1', 17_500),
  priorityOf('batch', 'v1', 17_400),
  priorityOf('certificates.k8s.io', 'v1', 17_300),
  priorityOf('networking.k8s.io', 'v1', 17_200),
  priorityOf('policy', 'v1', 17_100),
  priorityOf('rbac.authorization.k8s.io', 'v1', 17_000),
  priorityOf('storage.k8s.io', 'v1', 16_800),
  priorityOf('admissionregistration.k8s.io', 'v1', 16_700),
  priorityOf('apiextensions.k8s.io', 'v1', 16_700),
  priorityOf('scheduling.k8s.io', 'v1', 16_600),
  priorityOf('coordination.k8s.io', 'v1', 16_500),
  priorityOf('node.k8s.io', 'v1', 16_300),
  priorityOf('discovery.k8s.io', 'v1', 16_200),
  priorityOf('resource.k8s.io', 'v1', 16_200, 21),
  priorityOf('flowcontrol.apiserver.k8s.io', 'v1', 16_100, 21),
];

/** The resources of this server, by group version and plural name. */
export class ServedResources {
  readonly #builtIn: readonly ServedResource[];
  #custom: readonly ServedResource[] = [];
  #customVersions: readonly (readonly [group: string, version: string])[] = [];
  #byPath: ReadonlyMap<string, ServedResource> = new Map();
  #groups: ReadonlySet<string> = new Set();
  #generation = 0;
  readonly #listeners = new Set<() => void>();

  constructor(resources: readonly ServedResource[]) {
    this.#builtIn = resources;
    this.#index();
  }

  get all(): readonly ServedResource[] {
    return [...this.#builtIn, ...this.#custom];
  }

  /** Grows with every change of what is served. */
  get generation(): number {
    return this.#generation;
  }

  /** Group versions other than the core one, in the order discovery lists them. */
  get groupVersions(): readonly (readonly [group: string, version: string])[] {
    return [...builtInGroupVersions.map(({ group, version }) => [group, version] as const), ...this.#customVersions];
  }

  /** Group versions other than the core one, with their priorities. */
  get priorities(): readonly GroupVersionPriority[] {
    return [
      ...builtInGroupVersions,
      ...this.#customVersions.map(([group, version]) => priorityOf(group, version, 1000, 100)),
    ];
  }

  /** Calls back after each change of what definitions declare; returns the unsubscriber. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Replaces the resources that definitions declare; `versions` is their order in discovery. */
  setCustom(
    resources: readonly ServedResource[],
    versions: readonly (readonly [group: string, version: string])[],
  ): void {
    this.#custom = resources;
    this.#customVersions = versions.filter(
      ([group, version]) => !builtInGroupVersions.some((own) => own.group === group && own.version === version),
    );
    this.#index();
    for (const listener of this.#listeners) listener();
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(`${group === '' ? version : `${group}/${version}`}/${plural}`);
  }

  /** The same resource in its other served versions. */
  otherVersions(resource: ServedResource): readonly ServedResource[] {
    return this.all.filter(
      (other) => other !== resource && other.prefix === resource.prefix && other.group === resource.group,
    );
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  /** True for a group all of whose resources are custom: unknown paths in it are pages not found. */
  isCustomGroup(group: string): boolean {
    return group !== '' && !builtInGroupVersions.some((own) => own.group === group);
  }

  ofGroupVersion(group: string, version: string): ServedResource[] {
    return this.all.filter((resource) => resource.group === group && resource.version === version);
  }

  /** The resource of a kind. */
  ofKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.all.find((resource) => resource.apiVersion === apiVersion && resource.kind === kind);
  }

  #index(): void {
    this.#byPath = new Map(this.all.map((resource) => [`${resource.apiVersion}/${resource.plural}`, resource]));
    this.#groups = new Set([...this.all.map(({ group }) => group), ...this.#customVersions.map(([group]) => group)]);
    this.#generation++;
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
      const form = otherForms.get(`${apiVersion}/${plural}`);
      return {
        facts,
        group,
        version,
        plural,
        kind: facts.kind,
        apiVersion,
        namespaced: facts.namespaced,
        typeId: schema.id,
        // Both forms of Events are one object in the store.
        prefix: `/${group === '' || group === 'events.k8s.io' ? 'core' : group}/${plural}/`,
        subresources: new Set(subresources.split(' ').filter((name) => name !== '')),
        ...(form === undefined ? {} : { form }),
      };
    }),
  );
}
