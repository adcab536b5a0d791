import type {
  DiscoveryEndpointPort,
  Endpoint,
  EndpointSlice,
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressSpec,
  Service,
  ServiceSpec,
  Stored,
  StoredMeta,
} from '@fairlead/api';
import { INGRESS_CONTROLLER } from './ingress-class.ts';

/** Objects for the tests of this folder. The namespace is `shop` unless the name holds another: `ns/name`. */
function meta(name: string, created = '2026-01-01T00:00:00Z'): StoredMeta {
  const [namespace, rest] = name.includes('/') ? (name.split('/') as [string, string]) : ['shop', name];
  return { namespace, name: rest, uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: created };
}

/** A backend of an Ingress; a text is the port's name. */
export function serviceBackend(name: string, port: number | string = 80): IngressBackend {
  return { service: { name, port: typeof port === 'number' ? { number: port } : { name: port } } };
}

/** `Prefix /a svc:80` or `Exact /a svc:http`; the port defaults to 80. */
export function ingressPath(text: string): HTTPIngressPath {
  const [pathType, path, target] = text.split(' ') as [HTTPIngressPath['pathType'], string, string];
  const [service, port = '80'] = target.split(':') as [string, string?];
  return { pathType, path, backend: serviceBackend(service, /^\d+$/.test(port) ? Number(port) : port) };
}

/** Rules by hostname (empty: no host), each a list of {@link ingressPath} texts. */
export function ingress(
  name: string,
  rules: Readonly<Record<string, readonly string[]>>,
  more: Partial<IngressSpec> & { readonly created?: string } = {},
): Stored<Ingress> {
  const { created, ...spec } = more;
  return {
    metadata: meta(name, created),
    spec: {
      ingressClassName: 'fairlead',
      rules: Object.entries(rules).map(([host, paths]) => ({ host, http: { paths: paths.map(ingressPath) } })),
      ...spec,
    },
  };
}

/** An IngressClass, of our controller unless told otherwise. */
export function ingressClass(
  name: string,
  more: { readonly controller?: string; readonly isDefault?: boolean; readonly created?: string } = {},
): Stored<IngressClass> {
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
  const metadata = { ...meta(name, more.created), ...(more.isDefault === true ? { annotations } : {}) };
  return { metadata, spec: { controller: more.controller ?? INGRESS_CONTROLLER } };
}

/** A ClusterIP Service. */
export function service(
  name: string,
  ports: ServiceSpec['ports'] = [{ port: 80 }],
  more: ServiceSpec = {},
): Stored<Service> {
  return { metadata: meta(name), spec: { type: 'ClusterIP', ports, ...more } };
}

/** A slice of `serviceName`; addresses are ready unless written as `1.2.3.4 unready` or `1.2.3.4 terminating`. */
export function slice(
  serviceName: string,
  addresses: readonly (string | Endpoint)[],
  more: {
    readonly suffix?: string;
    readonly ports?: DiscoveryEndpointPort[];
    readonly type?: EndpointSlice['addressType'];
  } = {},
): Stored<EndpointSlice> {
  const metadata = meta(`${serviceName}-${more.suffix ?? 'a'}`);
  metadata.labels = { 'kubernetes.io/service-name': meta(serviceName).name };
  const endpoints = addresses.map((address): Endpoint => {
    if (typeof address !== 'string') return address;
    const [ip, state] = address.split(' ') as [string, string?];
    const conditions =
      state === undefined
        ? { ready: true, serving: true, terminating: false }
        : { ready: false, serving: state === 'terminating', terminating: state === 'terminating' };
    return { addresses: [ip], conditions };
  });
  return {
    metadata,
    addressType: more.type ?? 'IPv4',
    endpoints,
    ports: more.ports ?? [{ port: 8080, protocol: 'TCP' }],
  };
}
