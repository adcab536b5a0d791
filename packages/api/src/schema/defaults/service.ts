import { ensureObject, type JsonObject, objectIn, objectsIn, setDefault, setDefaultText } from './fields.ts';

const AFFINITY_SECONDS = 10_800;

/** Defaults of a Service. Cluster IPs, families and node ports come from the allocators. */
export function applyServiceDefaults(service: JsonObject): void {
  const spec = ensureObject(service, 'spec');
  setDefaultText(spec, 'sessionAffinity', 'None');
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const config = ensureObject(spec, 'sessionAffinityConfig');
    setDefault(ensureObject(config, 'clientIP'), 'timeoutSeconds', AFFINITY_SECONDS);
  }
  setDefaultText(spec, 'type', 'ClusterIP');
  for (const port of objectsIn(spec, 'ports')) {
    setDefaultText(port, 'protocol', 'TCP');
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port ?? 0;
  }
  const { type } = spec;
  const external = type === 'ClusterIP' && Array.isArray(spec.externalIPs) && spec.externalIPs.length > 0;
  if (type === 'NodePort' || type === 'LoadBalancer' || external)
    setDefaultText(spec, 'externalTrafficPolicy', 'Cluster');
  if (type === 'NodePort' || type === 'LoadBalancer' || type === 'ClusterIP') {
    setDefault(spec, 'internalTrafficPolicy', 'Cluster');
  }
  if (type === 'LoadBalancer') {
    setDefault(spec, 'allocateLoadBalancerNodePorts', true);
    for (const ingress of objectsIn(objectIn(objectIn(service, 'status'), 'loadBalancer'), 'ingress')) {
      if (ingress.ip !== undefined) setDefault(ingress, 'ipMode', 'VIP');
    }
  }
}
