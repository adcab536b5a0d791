import { type Container, objectKey, type Pod, type Stored } from '@fairlead/api';
import { formatIp, type IpFamily, parseIp } from './cidr.ts';
import type { ServicePortProgram, ServiceProgram } from './program.ts';
import { isPortNumber } from './service-endpoints.ts';

/** The address of a host port that is open on every address of the node, by family. */
export const anyHostAddress: Readonly<Record<IpFamily, string>> = { IPv4: '0.0.0.0', IPv6: '::' };

const keyPrefix = 'pod/';

/** Key of the program of the host ports of the Pod `namespace/name`: `pod/namespace/name`, which no Service has. */
export function hostPortKeyOf(pod: string): string {
  return `${keyPrefix}${pod}`;
}

/** `namespace/name` of the Pod whose host ports a program serves; `undefined` for a Service's program. */
export function podOfProgram(key: string): string | undefined {
  return key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : undefined;
}

/** Containers that run as long as the Pod does. */
function lastingContainers({ spec }: Pod): readonly Container[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...sidecars, ...(spec?.containers ?? [])];
}

/** The parts of a Pod that {@link compileHostPorts} reads, for a memory that holds every Pod of a node. */
export function stripHostPortPod(pod: Stored<Pod>): Stored<Pod> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = pod.metadata;
  const containers = lastingContainers(pod).flatMap(({ name: container, ports }) => {
    const open = ports?.filter(({ hostPort }) => isPortNumber(hostPort)) ?? [];
    return open.length === 0 ? [] : [{ name: container, ports: open }];
  });
  const { hostNetwork } = pod.spec ?? {};
  const { phase, podIPs } = pod.status ?? {};
  return {
    metadata: { name, uid, resourceVersion, creationTimestamp, ...(namespace === undefined ? {} : { namespace }) },
    spec: { containers, ...(hostNetwork === undefined ? {} : { hostNetwork }) },
    status: { ...(phase === undefined ? {} : { phase }), ...(podIPs === undefined ? {} : { podIPs }) },
  };
}

/**
 * The host ports of a Pod as this node serves them, or `undefined` while there are none. Pure.
 *
 * A host port is a frontend on the node's addresses, or on one of them (`hostIP`), with the Pod as its only endpoint,
 * ready or not: from the moment the Pod has an address until it has ended. A Pod in the node's network has none: it
 * listens there itself.
 */
export function compileHostPorts(pod: Stored<Pod>): ServiceProgram | undefined {
  const { phase, podIPs = [] } = pod.status ?? {};
  if (pod.spec?.hostNetwork === true || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const key = hostPortKeyOf(objectKey(pod));
  const ports = new Map<string, ServicePortProgram>();
  for (const { ip: podIp } of podIPs) {
    const address = parseIp(podIp ?? '');
    if (address === undefined) continue;
    const { family } = address;
    for (const { name, hostPort, hostIP, containerPort, protocol = 'TCP' } of lastingContainers(pod).flatMap(
      (container) => container.ports ?? [],
    )) {
      const host = parseIp(hostIP === undefined || hostIP === '' ? anyHostAddress[family] : hostIP);
      if (!isPortNumber(hostPort) || !isPortNumber(containerPort) || host?.family !== family) continue;
      const ip = formatIp(host);
      const portKey = `${key}:${ip}:${hostPort}/${protocol}/${family}`;
      ports.set(portKey, {
        key: portKey,
        portName: name ?? '',
        protocol,
        family,
        port: hostPort,
        vips: [{ kind: 'hostPort', ip }],
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        clusterEndpoints: [{ ip: formatIp(address), port: containerPort, onThisNode: 'yes' }],
        localEndpoints: [],
      });
    }
  }
  return ports.size === 0 ? undefined : { key, ports: [...ports.values()], localReadyEndpoints: 0 };
}
