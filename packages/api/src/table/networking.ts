import type {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
  ServicePort,
} from '../types.ts';
import { ageOf, firstThree, labelsText, loadBalancerText, NONE, nameOf, selectorText } from './cells.ts';

const UNSET = '<unset>';

/** NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR */
export function serviceCells(service: Service, nowMs: number): unknown[] {
  const spec = service.spec ?? {};
  return [
    nameOf(service),
    spec.type ?? '',
    spec.clusterIP || NONE,
    externalIpText(service),
    portsText(spec.ports),
    ageOf(service, nowMs),
    labelsText(spec.selector),
  ];
}

function externalIpText({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length === 0 ? NONE : external.join(',');
    case 'LoadBalancer': {
      const assigned = loadBalancerText(status?.loadBalancer);
      const all = [...(assigned === '' ? [] : [assigned]), ...external];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function portsText(ports: readonly ServicePort[] | undefined): string {
  if (ports === undefined || ports.length === 0) return NONE;
  return ports
    .map((port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol ?? ''}`)
    .join(',');
}

/** NAME ENDPOINTS AGE */
export function endpointsCells(endpoints: Endpoints, nowMs: number): unknown[] {
  const list: string[] = [];
  for (const { addresses = [], ports = [] } of endpoints.subsets ?? []) {
    if (ports.length === 0) list.push(...addresses.map((address) => address.ip));
    for (const port of ports)
      list.push(...addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`));
  }
  return [nameOf(endpoints), list.length === 0 ? NONE : firstThree(list), ageOf(endpoints, nowMs)];
}

/** NAME ADDRESSTYPE PORTS ENDPOINTS AGE */
export function endpointSliceCells(object: object, nowMs: number): unknown[] {
  const slice = object as Partial<EndpointSlice>;
  const ports = (slice.ports ?? []).map(({ port, name }) => String(port ?? name ?? '*'));
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  return [
    nameOf(slice),
    slice.addressType ?? '',
    ports.length === 0 ? UNSET : firstThree(ports),
    addresses.length === 0 ? UNSET : firstThree(addresses),
    ageOf(slice, nowMs),
  ];
}

/** NAME CLASS HOSTS ADDRESS PORTS AGE */
export function ingressCells(ingress: Ingress, nowMs: number): unknown[] {
  const hosts = (ingress.spec?.rules ?? []).map((rule) => rule.host ?? '').filter((host) => host !== '');
  return [
    nameOf(ingress),
    ingress.spec?.ingressClassName ?? NONE,
    hosts.length === 0 ? '*' : firstThree(hosts),
    loadBalancerText(ingress.status?.loadBalancer),
    (ingress.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    ageOf(ingress, nowMs),
  ];
}

/** NAME CONTROLLER PARAMETERS AGE */
export function ingressClassCells(ingressClass: IngressClass, nowMs: number): unknown[] {
  const parameters = ingressClass.spec?.parameters;
  const group = parameters?.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  return [
    nameOf(ingressClass),
    ingressClass.spec?.controller ?? '',
    parameters === undefined ? NONE : `${parameters.kind}${group}/${parameters.name}`,
    ageOf(ingressClass, nowMs),
  ];
}

/** NAME POD-SELECTOR AGE */
export function networkPolicyCells(policy: NetworkPolicy, nowMs: number): unknown[] {
  return [nameOf(policy), selectorText(policy.spec?.podSelector), ageOf(policy, nowMs)];
}

/** NAME CIDRS AGE */
export function serviceCidrCells(range: ServiceCIDR, nowMs: number): unknown[] {
  return [nameOf(range), (range.spec?.cidrs ?? []).join(','), ageOf(range, nowMs)];
}

/** NAME PARENTREF AGE */
export function ipAddressCells(address: IPAddress, nowMs: number): unknown[] {
  const parent = address.spec?.parentRef;
  const group = parent?.group ? `.${parent.group}` : '';
  const place = parent?.namespace ? `${parent.namespace}/` : '';
  return [nameOf(address), `${parent?.resource ?? ''}${group}/${place}${parent?.name ?? ''}`, ageOf(address, nowMs)];
}
