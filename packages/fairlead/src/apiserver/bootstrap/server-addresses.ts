import { isIPv6 } from 'node:net';
import type { ApiClient } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { recordOf } from '../watch/kube-object.ts';
import { isStatus } from './settle.ts';

/** One of several servers of the same store. */
export interface ServerAddressOptions {
  readonly client: Pick<ApiClient, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly address: string;
  readonly port: number;
}

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const addressAnnotation = 'fairlead.dev/advertise-address';
const portAnnotation = 'fairlead.dev/advertise-port';
const label = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } as const;
const leaseSeconds = 20;
const renewEveryMs = 6_000;

/** Keeps the endpoints of `default/kubernetes` equal to the servers that live. */
export interface ServerAddresses {
  /** Takes this server out, and its Lease away. */
  stop(): Promise<void>;
}

/**
 * Makes this server one of the endpoints of `default/kubernetes`, and takes those out whose Lease
 * (`kube-system/apiserver-ADDRESS-PORT`) was not renewed for 20 s. Every server does it; they agree.
 */
export async function publishServerAddress(options: ServerAddressOptions): Promise<ServerAddresses> {
  const { client, clock, log, address, port } = options;
  const name = `apiserver-${address.replaceAll(/[^0-9a-zA-Z]/g, '-')}-${port}`.toLowerCase();
  /** When each Lease was last seen to change: clocks of other machines are not trusted. */
  const seen = new Map<string, { readonly version: string; readonly atMs: number }>();
  let stopped = false;
  let cancel = (): void => undefined;

  const renew = async (): Promise<void> => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: 'kube-system',
        labels: label,
        annotations: { [addressAnnotation]: address, [portAnnotation]: String(port) },
      },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: leaseSeconds,
        renewTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
      },
    };
    try {
      // A patch: a PUT of a Lease has to name the version that it replaces.
      await client.request('PATCH', `${leases}/${name}`, lease, { 'content-type': 'application/merge-patch+json' });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      await client.request('POST', leases, lease);
    }
  };

  const living = async (): Promise<{ readonly addresses: string[]; readonly port: number }> => {
    const selector = encodeURIComponent('apiserver.kubernetes.io/identity=kube-apiserver');
    const { items } = (await client.request('GET', `${leases}?labelSelector=${selector}`)) as {
      readonly items: readonly KubeObject[];
    };
    const nowMs = clock.monotonicMs();
    const alive = items.filter(({ metadata }) => {
      const { name: other = '', resourceVersion: version = '' } = metadata;
      if (stopped && other === name) return false;
      if (seen.get(other)?.version !== version) seen.set(other, { version, atMs: nowMs });
      return nowMs - seen.get(other)!.atMs < leaseSeconds * 1000;
    });
    // One slice has one list of ports: all servers go by the first one's.
    const portOf = ({ metadata }: KubeObject): number => Number(metadata.annotations?.[portAnnotation] ?? 0);
    const shown = portOf(alive[0] ?? { metadata: {} });
    const addresses = alive
      .filter((lease) => portOf(lease) === shown)
      .map(({ metadata }) => metadata.annotations?.[addressAnnotation] ?? '');
    return { addresses: [...new Set(addresses.filter((text) => text !== ''))].sort(), port: shown };
  };

  const reconcile = async (): Promise<void> => {
    const { addresses, port: shown } = await living();
    // The last server that stops leaves its address: there is nobody to take over.
    if (addresses.length === 0) return;
    const endpoints = '/api/v1/namespaces/default/endpoints/kubernetes';
    const ports = [{ name: 'https', port: shown, protocol: 'TCP' }];
    await replace(client, endpoints, {
      subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports }],
    });
    const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes';
    const sameFamily = addresses.filter((ip) => isIPv6(ip) === isIPv6(address));
    await replace(client, slice, {
      endpoints: sameFamily.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports,
    });
  };

  const turn = async (): Promise<void> => {
    try {
      await renew();
      await reconcile();
    } catch (error) {
      log('debug', 'cannot publish the address of this server', { error: (error as Error).message });
    }
    if (stopped) return;
    cancel = clock.after(renewEveryMs, () => {
      running = turn();
    });
  };
  let running = turn();
  await running;
  return {
    async stop() {
      stopped = true;
      cancel();
      await running;
      try {
        await client.request('DELETE', `${leases}/${name}`);
        await reconcile();
      } catch (error) {
        log('debug', 'cannot withdraw the address of this server', { error: (error as Error).message });
      }
    },
  };
}

/** Writes fields that differ; another server's write in between is as good as ours. */
async function replace(
  client: Pick<ApiClient, 'request'>,
  path: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  const current = recordOf(await client.request('GET', path)) ?? {};
  const changed = Object.entries(fields).some(([field, value]) => texts(current[field]) !== texts(value));
  if (!changed) return;
  try {
    await client.request('PUT', path, { ...current, ...fields });
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}

/** The addresses and ports in a part of an object, to compare by. */
function texts(part: unknown): string {
  return [...(JSON.stringify(part ?? null).matchAll(/"[0-9a-f.:]+"|"port":[0-9]+/g) ?? [])]
    .map(([text]) => text)
    .sort()
    .join();
}
