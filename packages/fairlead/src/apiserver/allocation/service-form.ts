import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** One port of a Service, as far as allocation cares. */
export interface ServicePortForm {
  name?: string | undefined;
  protocol?: string | undefined;
  port?: number | undefined;
  nodePort?: number | undefined;
  [field: string]: unknown;
}

/** The specification of a Service, as far as allocation cares. */
export interface ServiceForm {
  type?: string | undefined;
  clusterIP?: string | undefined;
  clusterIPs?: string[] | undefined;
  ipFamilies?: string[] | undefined;
  ipFamilyPolicy?: string | undefined;
  selector?: Record<string, string> | undefined;
  ports?: ServicePortForm[] | undefined;
  externalTrafficPolicy?: string | undefined;
  internalTrafficPolicy?: string | undefined;
  healthCheckNodePort?: number | undefined;
  allocateLoadBalancerNodePorts?: boolean | undefined;
  loadBalancerClass?: string | undefined;
  sessionAffinity?: string | undefined;
  sessionAffinityConfig?: unknown;
  [field: string]: unknown;
}

/** The specification of a Service object; an empty one when it has none. */
export function serviceForm(object: KubeObject): ServiceForm {
  return (recordOf(object.spec) ?? {}) as ServiceForm;
}

/** All but ExternalName Services have a cluster IP (possibly `None`); a type that is no type is told of later. */
export function needsClusterIp(spec: ServiceForm): boolean {
  return spec.type !== undefined && spec.type !== 'ExternalName';
}

/** NodePort Services, and LoadBalancer Services that did not opt out of new ports. */
export function needsNodePort(spec: ServiceForm): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** Node ports may stand in these types. */
export function mayHaveNodePort(spec: ServiceForm): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** LoadBalancer Services with local external traffic have a health check port. */
export function needsHealthPort(spec: ServiceForm): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** `clusterIP: None`. */
export function isHeadless(spec: ServiceForm): boolean {
  return spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';
}
