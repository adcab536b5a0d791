// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ObjectReference } from './core-v1.ts';
import type { Condition, IntOrString, ListMeta, ObjectMeta } from './meta-v1.ts';

/** `core.v1.ClientIPConfig` */
export interface ClientIPConfig {
  timeoutSeconds?: number | undefined;
}

/** `core.v1.EndpointAddress` */
export interface EndpointAddress {
  ip: string;
  hostname?: string | undefined;
  nodeName?: string | undefined;
  targetRef?: ObjectReference | undefined;
}

/** `core.v1.EndpointPort` */
export interface EndpointPort {
  name?: string | undefined;
  port: number;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  appProtocol?: string | undefined;
}

/** `core.v1.EndpointSubset` */
export interface EndpointSubset {
  addresses?: EndpointAddress[] | undefined;
  notReadyAddresses?: EndpointAddress[] | undefined;
  ports?: EndpointPort[] | undefined;
}

/** `core.v1.Endpoints` */
export interface Endpoints {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  subsets?: EndpointSubset[] | undefined;
}

/** `core.v1.EndpointsList` */
export interface EndpointsList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Endpoints[];
}

/** `core.v1.LoadBalancerIngress` */
export interface LoadBalancerIngress {
  ip?: string | undefined;
  hostname?: string | undefined;
  ipMode?: string | undefined;
  ports?: PortStatus[] | undefined;
}

/** `core.v1.LoadBalancerStatus` */
export interface LoadBalancerStatus {
  ingress?: LoadBalancerIngress[] | undefined;
}

/** `core.v1.PortStatus` */
export interface PortStatus {
  port: number;
  protocol: 'SCTP' | 'TCP' | 'UDP';
  error?: string | undefined;
}

/** `core.v1.Service` */
export interface Service {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ServiceSpec | undefined;
  status?: ServiceStatus | undefined;
}

/** `core.v1.ServiceList` */
export interface ServiceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Service[];
}

/** `core.v1.ServicePort` */
export interface ServicePort {
  name?: string | undefined;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  appProtocol?: string | undefined;
  port: number;
  targetPort?: IntOrString | undefined;
  nodePort?: number | undefined;
}

/** `core.v1.ServiceSpec` */
export interface ServiceSpec {
  ports?: ServicePort[] | undefined;
  selector?: Record<string, string> | undefined;
  clusterIP?: string | undefined;
  clusterIPs?: string[] | undefined;
  type?: 'ClusterIP' | 'ExternalName' | 'LoadBalancer' | 'NodePort' | undefined;
  externalIPs?: string[] | undefined;
  sessionAffinity?: 'ClientIP' | 'None' | undefined;
  loadBalancerIP?: string | undefined;
  loadBalancerSourceRanges?: string[] | undefined;
  externalName?: string | undefined;
  externalTrafficPolicy?: 'Cluster' | 'Local' | undefined;
  healthCheckNodePort?: number | undefined;
  publishNotReadyAddresses?: boolean | undefined;
  sessionAffinityConfig?: SessionAffinityConfig | undefined;
  ipFamilies?: ('' | 'IPv4' | 'IPv6')[] | undefined;
  ipFamilyPolicy?: 'PreferDualStack' | 'RequireDualStack' | 'SingleStack' | undefined;
  allocateLoadBalancerNodePorts?: boolean | undefined;
  loadBalancerClass?: string | undefined;
  internalTrafficPolicy?: 'Cluster' | 'Local' | undefined;
  trafficDistribution?: string | undefined;
}

/** `core.v1.ServiceStatus` */
export interface ServiceStatus {
  loadBalancer?: LoadBalancerStatus | undefined;
  conditions?: Condition[] | undefined;
}

/** `core.v1.SessionAffinityConfig` */
export interface SessionAffinityConfig {
  clientIP?: ClientIPConfig | undefined;
}
