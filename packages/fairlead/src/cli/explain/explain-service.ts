import { type Endpoint, ipFamilyOf } from '@fairlead/api';
import { compileService } from '../../services/compile.ts';
import { compileHostPorts, podOfProgram } from '../../services/host-ports.ts';
import { type TraceMatch, type TraceResult, tracePacket } from '../../services/trace.ts';
import { explainAnnouncement } from './explain-announcement.ts';
import type { Explanation, Step } from './explanation.ts';
import { nodeAddresses, podOfAddress, type World } from './world.ts';

/** A first packet, and the node whose rules it meets. */
export interface PacketQuestion {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  /** Name of the node; empty for a machine that is none. */
  readonly node: string;
}

const frontendNames = {
  clusterIP: 'cluster IP',
  externalIP: 'external IP',
  loadBalancer: 'load balancer address',
  nodePort: 'node port',
  hostPort: 'host port',
} as const;

/** An endpoint with the Pod behind it. */
export function describeEndpoint(world: World, target: string): string {
  const address = target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const pod = podOfAddress(world, address);
  if (pod === undefined) return target;
  const leaving = pod.metadata.deletionTimestamp === undefined ? '' : ' (terminating)';
  return `${target}  Pod ${pod.metadata.namespace}/${pod.metadata.name} on ${pod.spec?.nodeName ?? 'no node'}${leaving}`;
}

/** Why an endpoint gets no new connections. */
function whyUnused(endpoint: Endpoint): string {
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  if (terminating === true) return serving === false ? 'terminating and not ready' : 'terminating';
  return ready === false ? 'not ready' : 'left out by traffic policy or topology hints';
}

/** Endpoints of the destination's family that get no new connections. */
function unusedEndpoints(world: World, service: string, destination: string, used: readonly string[]): Step[] {
  const addresses = new Set(used.map((target) => target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '')));
  const steps: Step[] = [];
  for (const slice of world.slices.get(service) ?? []) {
    for (const endpoint of slice.endpoints ?? []) {
      const [address = ''] = endpoint.addresses;
      if (addresses.has(address) || ipFamilyOf(address) !== ipFamilyOf(destination)) continue;
      const pod = podOfAddress(world, address);
      const who = pod === undefined ? address : `${address}  Pod ${pod.metadata.namespace}/${pod.metadata.name}`;
      steps.push({ layer: 'unused', text: `${who}: ${whyUnused(endpoint)}` });
    }
  }
  return steps;
}

/** What the node's own condition says that it cannot do for the Service (docs/decisions/0006). */
function whatTheNodeLacks(world: World, service: string, node: string): Step[] {
  const conditions = world.services.get(service)?.status?.conditions ?? [];
  const degraded = conditions.find(({ type, status }) => type === `fairlead.dev/Degraded.${node}` && status === 'True');
  return degraded === undefined ? [] : [{ layer: 'policy', text: `node ${node}: ${degraded.message}` }];
}

/** What the service proxy of a node makes of a packet. */
function traceAt(world: World, nodeName: string, question: PacketQuestion): TraceResult {
  const node = world.nodes.get(nodeName);
  const nodeIps = node === undefined ? [] : nodeAddresses(node);
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const context = { nodeName, nodeIps, ...(zone === undefined ? {} : { zone }) };
  const programs = [...world.services].flatMap(([key, service]) => {
    const { program } = compileService(service, world.slices.get(key) ?? [], context);
    return program === undefined ? [] : [program];
  });
  const hostPorts = [...world.pods.values()].flatMap((pod) => {
    const program = pod.spec?.nodeName === nodeName ? compileHostPorts(pod) : undefined;
    return program === undefined ? [] : [program];
  });
  return tracePacket(
    [...programs, ...hostPorts],
    {
      podCidrs: [...world.nodes.values()].flatMap((each) => each.spec?.podCIDRs ?? each.spec?.podCIDR ?? []),
      serviceCidrs: [],
      nodeIps,
      nodePorts: node !== undefined,
    },
    question,
  );
}

/** At the node where the packet begins; if that leaves it alone, at the one that it is sent to. */
function traceOnItsWay(world: World, question: PacketQuestion): TraceResult {
  const first = traceAt(world, question.node, question);
  if (first.kind !== 'pass') return first;
  const there = [...world.nodes.values()].find((node) => nodeAddresses(node).includes(question.destination));
  const name = there?.metadata.name ?? question.node;
  return name === question.node ? first : traceAt(world, name, question);
}

/** Who has the frontend that a packet met, and how he treats its source. */
function explainMatch(world: World, match: TraceMatch, masquerade: boolean, question: PacketQuestion): Step[] {
  const where = placeOf(question);
  const seen = masquerade ? 'the node’s address' : 'the client’s address';
  const pod = podOfProgram(match.service);
  if (pod !== undefined) {
    return [
      { layer: 'service', text: `${where} is the ${frontendNames[match.frontend]} of Pod ${pod}` },
      { layer: 'policy', text: `the source counts as ${match.source}; the Pod sees ${seen}` },
    ];
  }
  const steps: Step[] = [];
  const port = match.port.portName === '' ? `port ${match.port.port}` : `port ${match.port.portName}`;
  steps.push({
    layer: 'service',
    text: `${where} is the ${frontendNames[match.frontend]} of Service ${match.service}, ${port}`,
  });
  if (match.frontend === 'loadBalancer' && match.source === 'external') {
    steps.push(...explainAnnouncement(world, match.service, question.destination));
  }
  const policy = match.frontend === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  steps.push({
    layer: 'policy',
    text: `${policy} ${match.port[policy]}; the source counts as ${match.source}; the endpoint sees ${seen}`,
  });
  steps.push(...whatTheNodeLacks(world, match.service, question.node));
  const affinity = match.port.affinityTimeoutSeconds;
  if (affinity !== undefined) {
    steps.push({
      layer: 'policy',
      text: `session affinity: a client that came within ${affinity} s stays with its endpoint`,
    });
  }
  return steps;
}

function placeOf({ destination, port, protocol }: PacketQuestion): string {
  return `${destination.includes(':') ? `[${destination}]` : destination}:${port}/${protocol}`;
}

/** Walks a packet through the programs that the nodes' service proxies install. */
export function explainPacket(world: World, question: PacketQuestion): Explanation {
  const result = traceOnItsWay(world, question);
  const host = question.destination.includes(':') ? `[${question.destination}]` : question.destination;
  const where = placeOf(question);
  if (result.kind === 'pass') {
    const pod = podOfAddress(world, question.destination);
    const target = `${host}:${question.port}`;
    if (pod === undefined) {
      return {
        outcome: 'outside',
        steps: [{ layer: 'result', text: `${where} is no address of the cluster` }],
        endpoints: [],
      };
    }
    return {
      outcome: 'reaches',
      steps: [{ layer: 'result', text: `straight to ${describeEndpoint(world, target)}: no Service is involved` }],
      endpoints: [target],
    };
  }
  const steps: Step[] = [];
  const { match } = result;
  if (match !== undefined) {
    const masquerade = result.kind === 'endpoints' && result.masquerade;
    steps.push(...explainMatch(world, match, masquerade, question));
  }
  if (result.kind !== 'endpoints') {
    const verb = result.kind === 'drop' ? 'dropped' : 'refused';
    const unused = match === undefined ? [] : unusedEndpoints(world, match.service, question.destination, []);
    return {
      outcome: verb,
      steps: [...steps, ...unused, { layer: 'result', text: `${verb}: ${result.reason}` }],
      endpoints: [],
    };
  }
  if (result.direct !== undefined) {
    const how = { mac: 'by its link address', vxlan: 'in VXLAN', ipip: 'in IP' }[result.direct];
    steps.push({
      layer: 'policy',
      text: `direct server return: sent to the endpoint ${how}, untranslated; it answers the client itself`,
    });
  }
  for (const target of result.endpoints) {
    const self = target === result.hairpin ? ' (the client itself)' : '';
    steps.push({ layer: 'endpoint', text: `${describeEndpoint(world, target)}${self}` });
  }
  steps.push(...unusedEndpoints(world, result.match.service, question.destination, result.endpoints));
  const count = result.endpoints.length;
  const by = result.direct === undefined ? 'at random' : 'by a hash of the client';
  steps.push({
    layer: 'result',
    text: count === 1 ? 'reaches that endpoint' : `reaches one of ${count} endpoints, ${by}`,
  });
  return { outcome: 'reaches', steps, endpoints: result.endpoints };
}
