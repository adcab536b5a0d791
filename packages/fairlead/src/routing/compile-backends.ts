import type { EndpointSlice, Service, ServicePort } from '@fairlead/api';
import { type BackendObjects, noBackendObjects } from './backend-objects.ts';
import type { BackendRef, IngressProblem } from './compile-ingress.ts';
import type { ResolvedName } from './external-names.ts';
import { type BackendConnection, mergeConnections, readBackendConnection } from './read-backend-connection.ts';
import { type AnnotationProblem, readBackendPolicy } from './read-backend-policy.ts';
import type { BackendTls, RouteBackend, RouteEndpoint } from './route-table.ts';

/** One backend, compiled, and what is wrong with it (told at each Ingress that names it). */
export interface CompiledBackend {
  readonly backend: RouteBackend;
  readonly problem: Omit<IngressProblem, 'field'> | undefined;
  /** Annotations of the Service that count as absent. */
  readonly mistakes: readonly Omit<IngressProblem, 'field'>[];
}

/** A Service that stands in for another one, as its name leads to it. */
export interface FailoverService {
  readonly service: Service | undefined;
  readonly slices: Iterable<EndpointSlice>;
}

/**
 * Service and its EndpointSlices → the endpoints of one Service port.
 *
 * Ready endpoints; when there is none, those that still serve while they terminate (as kube-proxy).
 * A Service of type ExternalName has the addresses of its name (`external`), on the Service's port.
 * A missing Service or port, and a name without addresses, give a backend without endpoints:
 * the route stays and answers 503. So does a check or a certificate of our own that is asked for and cannot be
 * had: never plain text, never unchecked. `objects` has what Secrets and ConfigMaps hold.
 * `failover` finds Services that `fairlead.dev/http-failover` names; their endpoints have lower priorities.
 */
export function compileBackend(
  ref: Pick<BackendRef, 'key' | 'namespace' | 'service' | 'port' | 'connection' | 'transport'>,
  service: Service | undefined,
  slices: Iterable<EndpointSlice>,
  objects: BackendObjects = noBackendObjects,
  external?: ResolvedName,
  failover: (service: string) => FailoverService = () => ({ service: undefined, slices: [] }),
): CompiledBackend {
  const none: RouteBackend = { key: ref.key, protocol: 'http1', balance: 'round-robin', endpoints: [] };
  if (service === undefined) {
    const message = `Service ${ref.namespace}/${ref.service} does not exist; requests get 503`;
    return { backend: none, mistakes: [], problem: { reason: 'BackendNotFound', message } };
  }
  const isExternal = service.spec?.type === 'ExternalName';
  const transport = ref.transport ?? 'TCP';
  // An ExternalName Service needs no list of ports.
  const port =
    findServicePort(service, ref.port, transport) ??
    (isExternal && typeof ref.port === 'number' ? ({ port: ref.port } satisfies ServicePort) : undefined);
  if (port === undefined) {
    const have = (service.spec?.ports ?? []).map((each) =>
      each.name === undefined ? `${each.port}` : `${each.name}=${each.port}`,
    );
    const message = `Service ${ref.namespace}/${ref.service} has no ${transport} port ${ref.port} (it has: ${have.join(', ') || 'none'}); requests get 503`;
    return { backend: none, mistakes: [], problem: { reason: 'BackendNotFound', message } };
  }
  const resolved = external ?? { state: 'pending' };
  if (isExternal && resolved.state !== 'resolved') {
    const why = resolved.state === 'pending' ? 'is not resolved yet' : resolved.problem;
    const message = `ExternalName of Service ${ref.namespace}/${ref.service}: ${why}; requests get 503`;
    return { backend: none, mistakes: [], problem: { reason: 'BackendNotResolved', message } };
  }
  const own: readonly RouteEndpoint[] =
    resolved.state === 'resolved' && isExternal
      ? resolved.addresses.map((address) => ({ address, port: port.port, weight: 1 }))
      : collectEndpoints(port, transport, slices, preferredAddressType(service));
  const { balance, policy, failover: others, problems } = readBackendPolicy(service.metadata?.annotations);
  const endpoints = [...own];
  const standIns: AnnotationProblem[] = [];
  for (const [at, { service: name, port: wanted = ref.port }] of others.entries()) {
    const { service: other, slices: more } = failover(name);
    const itsPort = other === undefined ? undefined : findServicePort(other, wanted, transport);
    if (other === undefined || itsPort === undefined) {
      const message = other === undefined ? `Service ${name} does not exist` : `Service ${name} has no port ${wanted}`;
      standIns.push({ field: 'metadata.annotations[fairlead.dev/http-failover]', message });
      continue;
    }
    const known = new Set(endpoints.map(({ address, port: number }) => `${address} ${number}`));
    for (const endpoint of collectEndpoints(itsPort, transport, more, preferredAddressType(other))) {
      if (known.has(`${endpoint.address} ${endpoint.port}`)) continue;
      endpoints.push({ ...endpoint, priority: at + 1 });
    }
  }
  const ofService = readBackendConnection(service.metadata?.annotations, ref.namespace);
  const mistakes = [...problems, ...standIns, ...ofService.problems].map(({ field, message }) => ({
    reason: 'InvalidField' as const,
    message: `Service ${ref.namespace}/${ref.service} ${field}: ${message}`,
  }));
  const some: RouteBackend = {
    ...none,
    // However an Ingress names the port, it is one backend to limits, budgets and counts.
    identity: `${ref.namespace}/${ref.service}:${port.port}`,
    balance,
    ...(policy === undefined ? {} : { policy }),
    ...proxyProtocolOf(service),
  };
  const connection = mergeConnections(ref.connection, ofService.connection);
  const protocol = connection.protocol ?? backendProtocol(port.appProtocol);
  if (protocol !== 'https') return { backend: { ...some, protocol, endpoints }, problem: undefined, mistakes };
  const tls = compileTls(connection, objects);
  if (!tls.ok) {
    const { message, reason = 'InvalidField' } = tls;
    return {
      backend: { ...some, protocol: 'https' },
      problem: { reason, message: `${message}; requests get 503` },
      mistakes,
    };
  }
  const has = Object.keys(tls.value).length > 0;
  return {
    backend: { ...some, protocol: 'https', endpoints, ...(has ? { tls: tls.value } : {}) },
    problem: undefined,
    mistakes,
  };
}

type TlsResult =
  | { readonly ok: true; readonly value: BackendTls }
  | { readonly ok: false; readonly reason?: IngressProblem['reason']; readonly message: string };

function compileTls(
  { ca, serverName, names, identity, versions, broken }: BackendConnection,
  objects: BackendObjects,
): TlsResult {
  if (broken !== undefined) return { ok: false, message: `${broken} cannot be read` };
  const bundle = ca === undefined || ca.type === 'system' ? undefined : objects.ca(ca);
  if (bundle?.ok === false) {
    const what = ca?.type === 'configmap' ? 'ConfigMap' : 'Secret';
    const message = `${what} ${ca?.type === 'system' ? '' : ca?.key} ${bundle.problem}`;
    return { ok: false, reason: 'BackendCaInvalid', message };
  }
  const own = identity === undefined ? undefined : objects.identity(identity);
  if (own?.ok === false) return { ok: false, reason: 'SecretInvalid', message: `Secret ${identity} ${own.problem}` };
  return {
    ok: true,
    value: {
      ...(bundle === undefined ? {} : { ca: bundle.value }),
      ...(ca?.type === 'system' ? { systemRoots: true } : {}),
      ...(serverName === undefined ? {} : { serverName }),
      ...(names === undefined ? {} : { names }),
      ...(own === undefined ? {} : { identity: own.value }),
      ...(versions === undefined || versions === 'http1' ? {} : { versions }),
    },
  };
}

/** Annotation of a Service: its endpoints expect a PROXY protocol header of this version. */
const PROXY_PROTOCOL_ANNOTATION = 'fairlead.dev/proxy-protocol';

function proxyProtocolOf(service: Service): Pick<RouteBackend, 'proxyProtocol'> {
  const version = service.metadata?.annotations?.[PROXY_PROTOCOL_ANNOTATION]?.trim();
  return version === 'v1' || version === 'v2' ? { proxyProtocol: version } : {};
}

/** A port of the Service by number or name; only TCP carries HTTP. */
function findServicePort(
  service: Service,
  port: number | string,
  transport: 'TCP' | 'UDP' = 'TCP',
): ServicePort | undefined {
  return service.spec?.ports?.find(
    (candidate) =>
      (candidate.protocol ?? 'TCP') === transport &&
      (typeof port === 'number' ? candidate.port === port : candidate.name === port),
  );
}

/** `appProtocol` (KEP-3726 names, and the IANA names in use) → how the gateway speaks to the endpoints. */
export function backendProtocol(appProtocol: string | undefined): RouteBackend['protocol'] {
  switch (appProtocol?.toLowerCase()) {
    case 'kubernetes.io/h2c':
    case 'h2c':
    case 'grpc':
      return 'h2c';
    case 'kubernetes.io/wss':
    case 'https':
      return 'https';
    case 'kubernetes.io/ws':
      return 'ws';
    default:
      return 'http1';
  }
}

/** A dual-stack Pod is in slices of both families; the Service's first family is used, else it would count twice. */
function preferredAddressType(service: Service): 'IPv4' | 'IPv6' {
  return service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
}

function collectEndpoints(
  port: ServicePort,
  transport: 'TCP' | 'UDP',
  slices: Iterable<EndpointSlice>,
  preferred: 'IPv4' | 'IPv6',
): RouteEndpoint[] {
  const ready = { IPv4: new Map<string, RouteEndpoint>(), IPv6: new Map<string, RouteEndpoint>() };
  const terminating = { IPv4: new Map<string, RouteEndpoint>(), IPv6: new Map<string, RouteEndpoint>() };
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    const number = slice.ports?.find(
      (candidate) => (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === transport,
    )?.port;
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const { ready: isReady, serving, terminating: isTerminating } = endpoint.conditions ?? {};
      // An absent `ready` means true. A terminating endpoint is not ready, unless the Service publishes such ones.
      const into = isReady !== false ? ready : isTerminating === true && serving !== false ? terminating : undefined;
      const address = endpoint.addresses[0];
      if (into === undefined || address === undefined) continue;
      into[slice.addressType].set(`${address} ${number}`, {
        address,
        port: number,
        weight: 1,
        ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
        ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
      });
    }
  }
  const other = preferred === 'IPv4' ? 'IPv6' : 'IPv4';
  const chosen = [ready[preferred], ready[other], terminating[preferred], terminating[other]].find(
    (map) => map.size > 0,
  );
  // Sorted, so that the order in which slices arrive changes nothing.
  return [...(chosen ?? new Map<string, RouteEndpoint>())]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, endpoint]) => endpoint);
}
