import { ApiError } from '@fairlead/client';
import { ApiServerError } from '../api-server-error.ts';
import type { InProcessClient } from '../client/in-process-client.ts';

/** What the bootstrap objects say. */
export interface BootstrapOptions {
  /** The ranges of cluster IPs in canonical form, one of each family. */
  readonly serviceCidrs: readonly string[];
  readonly firstServiceAddress: string;
  readonly advertiseAddress: string;
  readonly advertisePort: number;
  /** Other servers have addresses of their own: endpoints that are there stay as they are. */
  readonly shared: boolean;
}

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;
const systemPriorities = [
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description: 'For Pods that the cluster cannot do without, on whichever node.',
  },
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'For Pods that their node cannot do without.',
  },
] as const;
const sliceLabels = { 'kubernetes.io/service-name': 'kubernetes' } as const;

/**
 * Makes sure that the objects every cluster has are there: the four namespaces, and the Service
 * `default/kubernetes` with its Endpoints and EndpointSlice at the advertised address. Idempotent.
 */
export async function ensureBootstrapObjects(client: InProcessClient, options: BootstrapOptions): Promise<void> {
  await Promise.all(
    namespaces.map((name) =>
      ensure(
        client,
        '/api/v1/namespaces',
        name,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        undefined,
      ),
    ),
  );
  // The controller would make them too; here they are in time for the first Pods.
  await Promise.all(
    namespaces.map((namespace) => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
      return ensure(client, `/api/v1/namespaces/${namespace}/serviceaccounts`, 'default', account, undefined);
    }),
  );
  await ensure(
    client,
    '/apis/networking.k8s.io/v1/servicecidrs',
    'kubernetes',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: options.serviceCidrs },
    },
    // A cluster that has become dual-stack gets its second range; nothing else can be changed.
    (current) => {
      const present = (current.spec as { cidrs?: readonly string[] }).cidrs ?? [];
      refuseLostFamily(present, options.serviceCidrs);
      return !addsFamily(present, options.serviceCidrs);
    },
  );
  await markDefaultRangeReady(client);
  await Promise.all(
    systemPriorities.map(({ name, value, description }) => {
      const object = {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value,
        description,
      };
      return ensure(client, '/apis/scheduling.k8s.io/v1/priorityclasses', name, object, undefined);
    }),
  );
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const port = { name: 'https', port: options.advertisePort, protocol: 'TCP' };
  await ensure(
    client,
    '/api/v1/namespaces/default/services',
    'kubernetes',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: {
        type: 'ClusterIP',
        clusterIP: options.firstServiceAddress,
        clusterIPs: [options.firstServiceAddress],
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: [familyOf(options.firstServiceAddress)],
        sessionAffinity: 'None',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: options.advertisePort }],
      },
    },
    (current) => {
      const ports = (current.spec as { ports?: { targetPort?: unknown }[] } | undefined)?.ports;
      return ports?.[0]?.targetPort === options.advertisePort;
    },
  );
  const address = { ip: options.advertiseAddress };
  await ensure(
    client,
    '/api/v1/namespaces/default/endpoints',
    'kubernetes',
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [address], ports: [port] }],
    },
    options.shared ? undefined : (current) => hasText(current.subsets, options),
  );
  await ensure(
    client,
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    'kubernetes',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: sliceLabels },
      addressType: familyOf(options.advertiseAddress),
      endpoints: [{ addresses: [options.advertiseAddress], conditions: { ready: true } }],
      ports: [port],
    },
    options.shared ? undefined : (current) => hasText(current.endpoints, options) && hasText(current.ports, options),
  );
}

/** True when `wanted` is what is there and one range more. */
function addsFamily(present: readonly string[], wanted: readonly string[]): boolean {
  return present.length === 1 && wanted.length === 2 && present[0] === wanted[0];
}

function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * Services have addresses of the families that the data was made with, and the first is theirs for life.
 * @throws ApiServerError `InvalidOptions` when one is gone or another one is first
 */
function refuseLostFamily(present: readonly string[], wanted: readonly string[]): void {
  const had = present.map(familyOf);
  if (had.every((family, index) => wanted[index] !== undefined && familyOf(wanted[index]) === family)) return;
  throw new ApiServerError(
    'InvalidOptions',
    `service range ${wanted.join()}: the data was made with ${present.join()}; a family can be added behind, ` +
      'not taken away or moved: start with those ranges, or on another data directory',
  );
}

/** Tells that the default range may be used, as the controllers do for further ones. */
async function markDefaultRangeReady(client: InProcessClient): Promise<void> {
  const path = '/apis/networking.k8s.io/v1/servicecidrs/kubernetes';
  const range = (await client.request('GET', path)) as Record<string, unknown>;
  const status = range.status as { conditions?: readonly unknown[] } | undefined;
  if ((status?.conditions ?? []).length > 0) return;
  const ready = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: (range.metadata as { creationTimestamp: string }).creationTimestamp,
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
  };
  await client.request('PUT', `${path}/status`, { ...range, status: { ...status, conditions: [ready] } });
}

/** True when a part of an object names the advertised address or port. */
function hasText(part: unknown, options: BootstrapOptions): boolean {
  const text = JSON.stringify(part ?? null);
  return text.includes(`"${options.advertiseAddress}"`) || text.includes(`"port":${options.advertisePort}`);
}

/** Creates an object, or replaces one that `isRight` does not accept. */
async function ensure(
  client: InProcessClient,
  collection: string,
  name: string,
  object: Record<string, unknown>,
  isRight: ((current: Record<string, unknown>) => boolean) | undefined,
): Promise<void> {
  try {
    const current = (await client.request('GET', `${collection}/${name}`)) as Record<string, unknown>;
    if (isRight === undefined || isRight(current)) return;
    await client.request('PUT', `${collection}/${name}`, object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
    await client.request('POST', collection, object);
  }
}
