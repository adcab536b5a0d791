/** Headless Services of a large cluster, and their slices as the API sends them: as JSON, with all that real ones have. */
import type { EndpointSlice, Service } from '@fairlead/api';

/** Endpoints in a slice, as the controller of Kubernetes fills them. */
export const perSlice = 100;

/** `namespace/name` of a Service by its number. */
export function serviceKey(service: number): string {
  return `team-${service % 20}/app-${service}`;
}

/** A headless Service with two named ports. */
export function headlessService(service: number): Service {
  const [namespace = '', name = ''] = serviceKey(service).split('/');
  return {
    metadata: { namespace, name, uid: `s-${service}`, resourceVersion: String(service + 1) },
    spec: { clusterIP: 'None', ports: [] },
  };
}

/** A slice of a Service with so many endpoints; in another `round` its first address is another one. */
export function endpointSlice(service: number, slice: number, perService: number, round = 0): EndpointSlice {
  const count = Math.min(perSlice, perService - slice * perSlice);
  return {
    metadata: {
      name: `app-${service}-${slice}`,
      namespace: `team-${service % 20}`,
      uid: `00000000-0000-0000-0000-${service}-${slice}`,
      resourceVersion: String(service * 1000 + slice),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        'kubernetes.io/service-name': `app-${service}`,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: `app-${service}`, uid: '1', controller: true }],
    },
    addressType: 'IPv4',
    endpoints: Array.from({ length: count }, (_, index) => {
      const number = service * perService + slice * perSlice + index;
      const last = round > 0 && index === 0 ? 250 : number & 127;
      return {
        addresses: [`10.${(number >> 15) & 255}.${(number >> 7) & 255}.${last}`],
        conditions: { ready: true, serving: true, terminating: false },
        hostname: `app-${service}-${slice * perSlice + index}`,
        nodeName: `node-${number % 5000}`,
        zone: `zone-${number % 3}`,
        targetRef: {
          kind: 'Pod',
          namespace: `team-${service % 20}`,
          name: `app-${service}-${slice * perSlice + index}`,
          uid: `10000000-0000-0000-0000-${number}`,
        },
      };
    }),
    ports: [
      { name: 'http', protocol: 'TCP', port: 8080 },
      { name: 'metrics', protocol: 'TCP', port: 9090 },
    ],
  };
}
