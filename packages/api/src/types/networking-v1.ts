// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { TypedLocalObjectReference } from './core-v1.ts';
import type { Condition, IntOrString, LabelSelector, ListMeta, ObjectMeta } from './meta-v1.ts';

/** `networking.v1.HTTPIngressPath` */
export interface HTTPIngressPath {
  path?: string | undefined;
  pathType: 'Exact' | 'ImplementationSpecific' | 'Prefix';
  backend: IngressBackend;
}

/** `networking.v1.HTTPIngressRuleValue` */
export interface HTTPIngressRuleValue {
  paths: HTTPIngressPath[];
}

/** `networking.v1.IPAddress` */
export interface IPAddress {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IPAddressSpec | undefined;
}

/** `networking.v1.IPAddressList` */
export interface IPAddressList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: IPAddress[];
}

/** `networking.v1.IPAddressSpec` */
export interface IPAddressSpec {
  parentRef: ParentReference;
}

/** `networking.v1.IPBlock` */
export interface IPBlock {
  cidr: string;
  except?: string[] | undefined;
}

/** `networking.v1.Ingress` */
export interface Ingress {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IngressSpec | undefined;
  status?: IngressStatus | undefined;
}

/** `networking.v1.IngressBackend` */
export interface IngressBackend {
  service?: IngressServiceBackend | undefined;
  resource?: TypedLocalObjectReference | undefined;
}

/** `networking.v1.IngressClass` */
export interface IngressClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IngressClassSpec | undefined;
}

/** `networking.v1.IngressClassList` */
export interface IngressClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: IngressClass[];
}

/** `networking.v1.IngressClassParametersReference` */
export interface IngressClassParametersReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
  scope?: string | undefined;
  namespace?: string | undefined;
}

/** `networking.v1.IngressClassSpec` */
export interface IngressClassSpec {
  controller?: string | undefined;
  parameters?: IngressClassParametersReference | undefined;
}

/** `networking.v1.IngressList` */
export interface IngressList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Ingress[];
}

/** `networking.v1.IngressLoadBalancerIngress` */
export interface IngressLoadBalancerIngress {
  ip?: string | undefined;
  hostname?: string | undefined;
  ports?: IngressPortStatus[] | undefined;
}

/** `networking.v1.IngressLoadBalancerStatus` */
export interface IngressLoadBalancerStatus {
  ingress?: IngressLoadBalancerIngress[] | undefined;
}

/** `networking.v1.IngressPortStatus` */
export interface IngressPortStatus {
  port: number;
  protocol: 'SCTP' | 'TCP' | 'UDP';
  error?: string | undefined;
}

/** `networking.v1.IngressRule` */
export interface IngressRule {
  host?: string | undefined;
  http?: HTTPIngressRuleValue | undefined;
}

/** `networking.v1.IngressServiceBackend` */
export interface IngressServiceBackend {
  name: string;
  port?: ServiceBackendPort | undefined;
}

/** `networking.v1.IngressSpec` */
export interface IngressSpec {
  ingressClassName?: string | undefined;
  defaultBackend?: IngressBackend | undefined;
  tls?: IngressTLS[] | undefined;
  rules?: IngressRule[] | undefined;
}

/** `networking.v1.IngressStatus` */
export interface IngressStatus {
  loadBalancer?: IngressLoadBalancerStatus | undefined;
}

/** `networking.v1.IngressTLS` */
export interface IngressTLS {
  hosts?: string[] | undefined;
  secretName?: string | undefined;
}

/** `networking.v1.NetworkPolicy` */
export interface NetworkPolicy {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NetworkPolicySpec | undefined;
}

/** `networking.v1.NetworkPolicyEgressRule` */
export interface NetworkPolicyEgressRule {
  ports?: NetworkPolicyPort[] | undefined;
  to?: NetworkPolicyPeer[] | undefined;
}

/** `networking.v1.NetworkPolicyIngressRule` */
export interface NetworkPolicyIngressRule {
  ports?: NetworkPolicyPort[] | undefined;
  from?: NetworkPolicyPeer[] | undefined;
}

/** `networking.v1.NetworkPolicyList` */
export interface NetworkPolicyList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: NetworkPolicy[];
}

/** `networking.v1.NetworkPolicyPeer` */
export interface NetworkPolicyPeer {
  podSelector?: LabelSelector | undefined;
  namespaceSelector?: LabelSelector | undefined;
  ipBlock?: IPBlock | undefined;
}

/** `networking.v1.NetworkPolicyPort` */
export interface NetworkPolicyPort {
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  port?: IntOrString | undefined;
  endPort?: number | undefined;
}

/** `networking.v1.NetworkPolicySpec` */
export interface NetworkPolicySpec {
  podSelector?: LabelSelector | undefined;
  ingress?: NetworkPolicyIngressRule[] | undefined;
  egress?: NetworkPolicyEgressRule[] | undefined;
  policyTypes?: ('Egress' | 'Ingress')[] | undefined;
}

/** `networking.v1.ParentReference` */
export interface ParentReference {
  group?: string | undefined;
  resource: string;
  namespace?: string | undefined;
  name: string;
}

/** `networking.v1.ServiceBackendPort` */
export interface ServiceBackendPort {
  name?: string | undefined;
  number?: number | undefined;
}

/** `networking.v1.ServiceCIDR` */
export interface ServiceCIDR {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ServiceCIDRSpec | undefined;
  status?: ServiceCIDRStatus | undefined;
}

/** `networking.v1.ServiceCIDRList` */
export interface ServiceCIDRList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ServiceCIDR[];
}

/** `networking.v1.ServiceCIDRSpec` */
export interface ServiceCIDRSpec {
  cidrs?: string[] | undefined;
}

/** `networking.v1.ServiceCIDRStatus` */
export interface ServiceCIDRStatus {
  conditions?: Condition[] | undefined;
}
