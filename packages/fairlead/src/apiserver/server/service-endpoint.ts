import type { RestContext } from '../rest/rest-context.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';

/** What finding the endpoints of a Service needs. */
export type EndpointContext = Pick<RestContext, 'served' | 'cache' | 'random'>;

/** Where a port of a Service can be reached, or why it cannot. */
export type ServicePlace =
  | { readonly ok: true; readonly host: string; readonly port: number }
  | {
      readonly ok: false;
      readonly reason: 'ServiceNotFound' | 'ServicePortError' | 'EndpointsNotFound' | 'MissingEndpoints';
      /** Name of the port that has no endpoints. */
      readonly portName: string;
    };

/**
 * A ready endpoint of a Service's port, by turns at random: the API server need not sit where cluster IPs work, so it
 * goes to the endpoint itself. A Service that is a name for another host is that host, one without endpoints of its
 * own its cluster IP.
 */
export function placeOfService(context: EndpointContext, namespace: string, name: string, port: number): ServicePlace {
  const services = context.served.find('', 'v1', 'services')!;
  const stored = context.cache.resource(services.prefix).get(storeKey(services.prefix, namespace, name));
  if (stored === undefined) return { ok: false, reason: 'ServiceNotFound', portName: '' };
  const spec = recordOf(stored.object.spec) ?? {};
  if (spec.type === 'ExternalName') return { ok: true, host: String(spec.externalName), port };
  const servicePort = recordsOf(spec.ports).find((one) => one.port === port);
  if (servicePort === undefined) return { ok: false, reason: 'ServicePortError', portName: '' };
  const portName = String(servicePort.name ?? '');
  const slices = slicesOf(context, namespace, name);
  const found = slices.flatMap((slice) => {
    const endpointPort = recordsOf(slice.ports).find((one) => String(one.name ?? '') === portName)?.port;
    return typeof endpointPort === 'number' ? readyAddresses(slice).map((host) => ({ host, port: endpointPort })) : [];
  });
  const chosen = found[Math.floor(context.random() * found.length)];
  if (chosen !== undefined) return { ok: true, ...chosen };
  const clusterIp = String(spec.clusterIP ?? '');
  if (spec.selector === undefined && slices.length === 0 && clusterIp !== '' && clusterIp !== 'None') {
    return { ok: true, host: clusterIp, port };
  }
  return { ok: false, reason: slices.length === 0 ? 'EndpointsNotFound' : 'MissingEndpoints', portName };
}

function slicesOf(context: EndpointContext, namespace: string, service: string): KubeObject[] {
  const { prefix } = context.served.find('discovery.k8s.io', 'v1', 'endpointslices')!;
  return context.cache
    .resource(prefix)
    .list(namespace)
    .map(({ object }) => object)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service);
}

function readyAddresses(slice: KubeObject): string[] {
  return recordsOf(slice.endpoints).flatMap((endpoint) => {
    if (recordOf(endpoint.conditions)?.ready === false) return [];
    return Array.isArray(endpoint.addresses) ? (endpoint.addresses as string[]).slice(0, 1) : [];
  });
}

function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}
