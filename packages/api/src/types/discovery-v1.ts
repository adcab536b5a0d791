// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ObjectReference } from './core-v1.ts';
import type { ListMeta, ObjectMeta } from './meta-v1.ts';

/** `discovery.v1.Endpoint` */
export interface Endpoint {
  addresses: string[];
  conditions?: EndpointConditions | undefined;
  hostname?: string | undefined;
  targetRef?: ObjectReference | undefined;
  deprecatedTopology?: Record<string, string> | undefined;
  nodeName?: string | undefined;
  zone?: string | undefined;
  hints?: EndpointHints | undefined;
}

/** `discovery.v1.EndpointConditions` */
export interface EndpointConditions {
  ready?: boolean | undefined;
  serving?: boolean | undefined;
  terminating?: boolean | undefined;
}

/** `discovery.v1.EndpointHints` */
export interface EndpointHints {
  forZones?: ForZone[] | undefined;
  forNodes?: ForNode[] | undefined;
}

/** `discovery.v1.EndpointPort` */
export interface DiscoveryEndpointPort {
  name?: string | undefined;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  port?: number | undefined;
  appProtocol?: string | undefined;
}

/** `discovery.v1.EndpointSlice` */
export interface EndpointSlice {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  addressType: 'FQDN' | 'IPv4' | 'IPv6';
  endpoints: Endpoint[];
  ports?: DiscoveryEndpointPort[] | undefined;
}

/** `discovery.v1.EndpointSliceList` */
export interface EndpointSliceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: EndpointSlice[];
}

/** `discovery.v1.ForNode` */
export interface ForNode {
  name: string;
}

/** `discovery.v1.ForZone` */
export interface ForZone {
  name: string;
}
