/** An address that this node may answer for on layer 2. */
export interface Layer2Target {
  readonly address: string;
  /** Names of interfaces, `*` for any text; empty: chosen by the address. */
  readonly interfaces: readonly string[];
  /** Services on the address, `namespace/name`. */
  readonly services: readonly string[];
}

/** Attributes of an announced route. Communities are numbers: two or three per community. */
export interface RouteAttributes {
  /** Absent: none is sent. */
  readonly localPreference?: number;
  readonly communities: readonly (readonly [number, number])[];
  readonly largeCommunities: readonly (readonly [number, number, number])[];
}

/** A route that this node announces to a peer. */
export interface BgpRoute extends RouteAttributes {
  /** `192.0.2.10/32`, canonical. */
  readonly prefix: string;
  readonly services: readonly string[];
}

/** What this node announces of load balancer addresses; plain data. */
export interface AddressProgram {
  /** Candidates by address: who of the candidates answers is the election's business. */
  readonly layer2: ReadonlyMap<string, Layer2Target>;
  /** By name of the BGPPeer, then by prefix. Peers of this node without routes are there too. */
  readonly bgp: ReadonlyMap<string, ReadonlyMap<string, BgpRoute>>;
}
