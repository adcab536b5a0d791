import type {
  ConfigMap,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Ingress,
  IngressClass,
  Lease,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  ServiceAccount,
  ServiceCIDR,
} from './types.ts';

/** Names one served resource and carries the type of its objects. */
export interface ResourceRef<T> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never present; carries the object type. */
  readonly object?: T;
}

/** `v1` or `group/version`, as in the `apiVersion` field. */
export function apiVersionOf(ref: { readonly group: string; readonly version: string }): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

function ref<T>(apiVersion: string, kind: string, plural: string, namespaced = true): ResourceRef<T> {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return { group, version: apiVersion.slice(slash + 1), plural, kind, namespaced };
}

/** Typed handles of the built-in resources. */
export const namespaces: ResourceRef<Namespace> = ref('v1', 'Namespace', 'namespaces', false);
export const nodes: ResourceRef<Node> = ref('v1', 'Node', 'nodes', false);
export const pods: ResourceRef<Pod> = ref('v1', 'Pod', 'pods');
export const services: ResourceRef<Service> = ref('v1', 'Service', 'services');
export const endpoints: ResourceRef<Endpoints> = ref('v1', 'Endpoints', 'endpoints');
export const configMaps: ResourceRef<ConfigMap> = ref('v1', 'ConfigMap', 'configmaps');
export const secrets: ResourceRef<Secret> = ref('v1', 'Secret', 'secrets');
export const serviceAccounts: ResourceRef<ServiceAccount> = ref('v1', 'ServiceAccount', 'serviceaccounts');
export const events: ResourceRef<Event> = ref('v1', 'Event', 'events');
export const deployments: ResourceRef<Deployment> = ref('apps/v1', 'Deployment', 'deployments');
export const replicaSets: ResourceRef<ReplicaSet> = ref('apps/v1', 'ReplicaSet', 'replicasets');
export const endpointSlices: ResourceRef<EndpointSlice> = ref('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');
export const serviceCidrs: ResourceRef<ServiceCIDR> = ref('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs', false);
export const leases: ResourceRef<Lease> = ref('coordination.k8s.io/v1', 'Lease', 'leases');
export const ingresses: ResourceRef<Ingress> = ref('networking.k8s.io/v1', 'Ingress', 'ingresses');
export const ingressClasses: ResourceRef<IngressClass> = ref(
  'networking.k8s.io/v1',
  'IngressClass',
  'ingressclasses',
  false,
);
