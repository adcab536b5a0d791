import { mayHaveNodePort, needsClusterIp, needsHealthPort, needsNodePort, type ServiceForm } from './service-form.ts';

/** Keeps `clusterIP` and `clusterIPs[0]` the same, whichever of the two the client wrote. */
export function alignClusterIps(spec: ServiceForm, old: ServiceForm | undefined): void {
  const first = spec.clusterIP ?? '';
  const list = spec.clusterIPs ?? [];
  if (old === undefined) {
    if (first !== '' && list.length === 0) spec.clusterIPs = [first];
    return;
  }
  const oldFirst = old.clusterIP ?? '';
  const oldList = old.clusterIPs ?? [];
  const listUnchanged = list.length === oldList.length && list.every((address, index) => address === oldList[index]);
  if (oldFirst !== '' && first === '' && listUnchanged) {
    delete spec.clusterIPs;
  } else if (oldFirst !== '' && first !== oldFirst && listUnchanged) {
    spec.clusterIPs = [first, ...list.slice(1)];
  } else if (first !== '' && first !== oldFirst && list.length === 0) {
    spec.clusterIPs = [first];
  }
}

/** Carries over what the server allocated and the client left out. */
export function keepAllocations(spec: ServiceForm, old: ServiceForm): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if ((spec.clusterIP ?? '') === '' && old.clusterIP !== undefined) spec.clusterIP = old.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === old.clusterIP && old.clusterIPs !== undefined) {
      spec.clusterIPs = [...old.clusterIPs];
    }
  }
  if (needsNodePort(old) && needsNodePort(spec)) keepNodePorts(spec, old);
  if (needsHealthPort(old) && needsHealthPort(spec) && (spec.healthCheckNodePort ?? 0) === 0) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** By port name; never a node port that another port of the Service now claims. */
function keepNodePorts(spec: ServiceForm, old: ServiceForm): void {
  const claimed = new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0));
  const byName = new Map((old.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]));
  spec.ports = (spec.ports ?? []).map((port) => {
    const before = byName.get(port.name ?? '') ?? 0;
    return (port.nodePort ?? 0) === 0 && before !== 0 && !claimed.has(before) ? { ...port, nodePort: before } : port;
  });
}

/** Clears fields that the new type cannot have and the client did not touch. */
export function dropForeignFields(spec: ServiceForm, old: ServiceForm): void {
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    if (spec.clusterIP === old.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (JSON.stringify(spec.ipFamilies) === JSON.stringify(old.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (mayHaveNodePort(old) && !mayHaveNodePort(spec)) {
    // Ports may come and go with the type, as long as none has a node port that the Service did not have.
    const before = new Set((old.ports ?? []).map((port) => port.nodePort ?? 0));
    if ((spec.ports ?? []).every(({ nodePort = 0 }) => nodePort === 0 || before.has(nodePort))) {
      spec.ports = (spec.ports ?? []).map(({ nodePort: _, ...port }) => port);
    }
  }
  if (needsHealthPort(old) && !needsHealthPort(spec) && spec.healthCheckNodePort === old.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternal(old) && !isExternal(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) {
    delete spec.externalTrafficPolicy;
  }
  if (spec.type === 'ExternalName' && spec.internalTrafficPolicy === old.internalTrafficPolicy) {
    delete spec.internalTrafficPolicy;
  }
  if (old.sessionAffinity === 'ClientIP' && spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
}

/** Whether a Service is reached from outside, which its external traffic policy is for. */
function isExternal(spec: ServiceForm): boolean {
  const hasAddress = Array.isArray(spec.externalIPs) && spec.externalIPs.length > 0;
  return mayHaveNodePort(spec) || (spec.type === 'ClusterIP' && hasAddress);
}
