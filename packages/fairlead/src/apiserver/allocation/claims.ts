import { randomUUID } from 'node:crypto';
import { formatIp } from '@fairlead/api';
import { parseLegacyIp } from '@fairlead/api/schema/validate/addresses';
import type { Clock } from '../../sys/clock.ts';
import { timestamp } from '../rest/rest-context.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { storedValue } from '../watch/stored-object.ts';
import { mayHaveNodePort, needsClusterIp, serviceForm } from './service-form.ts';

/**
 * A claim is a key of the store that only one Service can hold, written in the same transaction as
 * the Service: an IPAddress object per cluster IP, and a record per node port. So servers that share
 * a store never hand out the same number, and a crash leaves nothing half done.
 */

/** Where IPAddress objects are stored. */
export const addressPrefix = '/networking.k8s.io/ipaddresses/';
/** Where node ports are claimed; no resource of the API. */
export const portPrefix = '/ranges/nodeports/';

const managedBy = 'ipaddress.kubernetes.io/managed-by';
const allocatorName = 'ipallocator.k8s.io';

/** The key that claims an address in any of its texts; `undefined` for what is none (`None`). */
export function addressKey(text: string): string | undefined {
  const ip = parseLegacyIp(text);
  return ip === undefined ? undefined : storeKey(addressPrefix, '', formatIp(ip));
}

/** The key that claims a node port. */
export function portKey(port: number): string {
  return storeKey(portPrefix, '', String(port));
}

/** The keys of all claims of a Service. */
export function claimsOf(service: KubeObject | undefined): ReadonlySet<string> {
  const keys = new Set<string>();
  if (service === undefined) return keys;
  const spec = serviceForm(service);
  if (needsClusterIp(spec)) {
    for (const text of spec.clusterIPs ?? []) {
      const key = addressKey(text);
      if (key !== undefined) keys.add(key);
    }
  }
  if (mayHaveNodePort(spec)) {
    for (const { nodePort } of spec.ports ?? []) if ((nodePort ?? 0) !== 0) keys.add(portKey(nodePort!));
    if ((spec.healthCheckNodePort ?? 0) !== 0) keys.add(portKey(spec.healthCheckNodePort!));
  }
  return keys;
}

/** What a claim's key holds: an IPAddress that names the Service, or a record that does. */
function claimObject(key: string, service: KubeObject, clock: Clock): KubeObject {
  const { name, namespace } = service.metadata;
  const parentRef = { resource: 'services', namespace, name };
  if (!key.startsWith(addressPrefix)) {
    return {
      kind: 'NodePort',
      apiVersion: 'v1',
      metadata: { name: key.slice(portPrefix.length) },
      spec: { parentRef },
    };
  }
  const address = key.slice(addressPrefix.length);
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: address,
      uid: randomUUID(),
      creationTimestamp: timestamp(clock),
      labels: {
        'ipaddress.kubernetes.io/ip-family': address.includes(':') ? 'IPv6' : 'IPv4',
        [managedBy]: allocatorName,
      },
    },
    spec: { parentRef },
  };
}

/** The text to store for a claim, and the object itself for the cache. */
export function claimValue(key: string, service: KubeObject, clock: Clock): { value: string; decoded: KubeObject } {
  const decoded = claimObject(key, service, clock);
  return { value: storedValue(decoded), decoded };
}

/** True for an IPAddress that this allocator made, and for all port claims. */
export function isOurClaim(key: string, object: KubeObject): boolean {
  return key.startsWith(portPrefix) || object.metadata.labels?.[managedBy] === allocatorName;
}
