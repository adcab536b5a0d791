// Hot path: walks every endpoint of every Service at start.
import type { Endpoint, EndpointSlice, ServicePort } from '@fairlead/api';
import { isReady, type PortEndpoint } from './categorize-endpoints.ts';
import { canonicalIp, type IpFamily } from './cidr.ts';

/** Whether a field holds the number of a port. */
export function isPortNumber(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
}

/** While a controller moves an endpoint between slices it is in both: the ready copy counts. */
function collect(found: Map<string, PortEndpoint>, endpoint: Endpoint, family: IpFamily, port: number): void {
  const ip = canonicalIp(endpoint.addresses[0] ?? '', family);
  if (ip === undefined) return;
  const identity = `${ip} ${port}`;
  const previous = found.get(identity);
  if (previous !== undefined && (isReady(previous.endpoint) || !isReady(endpoint))) return;
  found.set(identity, { endpoint, ip, port });
}

/** All endpoints of one port, from every slice, once per address and port. */
export function endpointsOf(slices: readonly EndpointSlice[], port: ServicePort, family: IpFamily): PortEndpoint[] {
  const protocol = port.protocol ?? 'TCP';
  const found = new Map<string, PortEndpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    const slicePort = slice.ports?.find(
      (candidate) => (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === protocol,
    );
    // A slice port without a number means all ports; a single port has nothing to translate to.
    if (slicePort === undefined || !isPortNumber(slicePort.port)) continue;
    for (const endpoint of slice.endpoints ?? []) collect(found, endpoint, family, slicePort.port);
  }
  return [...found.values()];
}

/** All addresses behind a Service, whatever ports their slices name, once each. Their port is 0. */
export function addressesOf(slices: readonly EndpointSlice[], family: IpFamily): PortEndpoint[] {
  const found = new Map<string, PortEndpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    for (const endpoint of slice.endpoints ?? []) collect(found, endpoint, family, 0);
  }
  return [...found.values()];
}
