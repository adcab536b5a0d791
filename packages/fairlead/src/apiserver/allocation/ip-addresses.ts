import { randomUUID } from 'node:crypto';
import { jsonEqual, parseIpv4 } from '@fairlead/api';
import { type RestContext, timestamp } from '../rest/rest-context.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { storedValue } from '../watch/stored-object.ts';
import { serviceForm } from './service-form.ts';

/** The cluster IPs a Service holds: `None` and empty ones are none. */
function addressesOf(service: KubeObject | undefined): readonly string[] {
  if (service === undefined) return [];
  const spec = serviceForm(service);
  return spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []).filter((text) => parseIpv4(text) !== undefined);
}

function prefixOf(context: RestContext): string {
  return context.served.find('networking.k8s.io', 'v1', 'ipaddresses')!.prefix;
}

/**
 * Keeps one IPAddress per cluster IP: what `next` holds and `old` did not is written, the reverse is
 * removed. The allocator decides who gets an address; these objects tell of it.
 */
export async function recordAddresses(
  context: RestContext,
  next: KubeObject | undefined,
  old: KubeObject | undefined,
): Promise<void> {
  const after = addressesOf(next);
  const before = addressesOf(old);
  await Promise.all([
    ...after.filter((address) => !before.includes(address)).map((address) => write(context, address, next!)),
    ...before.filter((address) => !after.includes(address)).map((address) => remove(context, address)),
  ]);
}

/** Brings the IPAddresses in line with the stored Services: after a crash between the two writes. */
export async function repairAddresses(context: RestContext): Promise<void> {
  const services = context.cache.resource(context.served.find('', 'v1', 'services')!.prefix);
  const prefix = prefixOf(context);
  const wanted = new Map<string, KubeObject>();
  // Parsed for this one look, as at the restore of the allocator.
  for (const { value } of services.list('')) {
    const service = JSON.parse(value) as KubeObject;
    for (const address of addressesOf(service)) wanted.set(address, service);
  }
  const present = context.cache.resource(prefix).list('');
  const names = new Set(present.map(({ key }) => key.slice(prefix.length)));
  const orphans = [...names].filter((name) => !wanted.has(name));
  const ours = orphans.filter((name) => {
    const object = context.cache.resource(prefix).get(storeKey(prefix, '', name))?.object;
    return object?.metadata.labels?.['ipaddress.kubernetes.io/managed-by'] === 'ipallocator.k8s.io';
  });
  await Promise.all([
    ...[...wanted].filter(([name]) => !names.has(name)).map(([name, service]) => write(context, name, service)),
    ...ours.map((name) => remove(context, name)),
  ]);
}

async function write(context: RestContext, address: string, service: KubeObject): Promise<void> {
  const prefix = prefixOf(context);
  const key = storeKey(prefix, '', address);
  const { name, namespace } = service.metadata;
  const parentRef = { resource: 'services', namespace, name };
  const current = context.cache.resource(prefix).get(key);
  if (current !== undefined && jsonEqual(recordOf(current.object.spec)?.parentRef, parentRef)) return;
  const object: KubeObject = {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: address,
      uid: randomUUID(),
      creationTimestamp: timestamp(context.clock),
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef },
  };
  await context.storage.commit({ key, expect: current?.modRevision ?? 0, value: storedValue(object), decoded: object });
}

async function remove(context: RestContext, address: string): Promise<void> {
  const prefix = prefixOf(context);
  const current = context.cache.resource(prefix).get(storeKey(prefix, '', address));
  if (current === undefined) return;
  await context.storage.commit({ key: current.key, expect: current.modRevision, value: undefined });
}
