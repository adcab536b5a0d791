import type { Endpoint } from '@fairlead/api';

/** What categorizing needs to know of the node. */
export interface NodeTopology {
  readonly nodeName: string;
  /** Label `topology.kubernetes.io/zone`; absent: zone hints do not apply. */
  readonly zone?: string;
}

/** An endpoint of one port, with the number its Pod gave to the port. */
export interface PortEndpoint {
  readonly endpoint: Endpoint;
  /** Canonical address text. */
  readonly ip: string;
  readonly port: number;
}

/** The two sets traffic policies choose from. */
export interface EndpointCategories {
  /** For policy Cluster. */
  readonly cluster: readonly PortEndpoint[];
  /** For policy Local. */
  readonly local: readonly PortEndpoint[];
}

/** Ready for new traffic. Absent conditions mean ready (discovery.k8s.io/v1). */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready ?? true;
}

/** Still passing its readiness probe while it terminates. */
function isServingTerminating(endpoint: Endpoint): boolean {
  const conditions = endpoint.conditions;
  return (conditions?.serving ?? isReady(endpoint)) && (conditions?.terminating ?? false);
}

/** KEP-1669: ready endpoints; when there are none, those that terminate but still serve. */
function usable(endpoints: readonly PortEndpoint[]): readonly PortEndpoint[] {
  const ready = endpoints.filter(({ endpoint }) => isReady(endpoint));
  return ready.length > 0 ? ready : endpoints.filter(({ endpoint }) => isServingTerminating(endpoint));
}

function hintedFor(
  ready: readonly PortEndpoint[],
  hintsOf: (endpoint: Endpoint) => readonly { readonly name: string }[] | undefined,
  wanted: string | undefined,
): readonly PortEndpoint[] | undefined {
  if (wanted === undefined || wanted === '') return undefined;
  // One endpoint without a hint disables hints: the slices are then half written.
  if (!ready.every(({ endpoint }) => (hintsOf(endpoint)?.length ?? 0) > 0)) return undefined;
  const chosen = ready.filter(({ endpoint }) => hintsOf(endpoint)?.some((hint) => hint.name === wanted));
  return chosen.length > 0 ? chosen : undefined;
}

/** Topology hints apply to ready endpoints only: this node's, else this zone's, else all. */
function preferHinted(ready: readonly PortEndpoint[], node: NodeTopology): readonly PortEndpoint[] {
  return (
    hintedFor(ready, (endpoint) => endpoint.hints?.forNodes, node.nodeName) ??
    hintedFor(ready, (endpoint) => endpoint.hints?.forZones, node.zone) ??
    ready
  );
}

/**
 * Splits the endpoints of one port into the sets for traffic policy Cluster and Local.
 *
 * Fallback to terminating endpoints is decided for each set on its own (KEP-1669);
 * hints concern the Cluster set only. A terminating endpoint that fails its
 * readiness probe is in neither. When `local` has a member, so has `cluster`.
 */
export function categorizeEndpoints(endpoints: readonly PortEndpoint[], node: NodeTopology): EndpointCategories {
  const everywhere = usable(endpoints);
  const first = everywhere[0];
  const cluster = first !== undefined && isReady(first.endpoint) ? preferHinted(everywhere, node) : everywhere;
  const local = usable(endpoints.filter(({ endpoint }) => endpoint.nodeName === node.nodeName));
  return { cluster, local };
}
