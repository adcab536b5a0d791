import { ipFamilyOf } from '@fairlead/api';
import { explainName, searchHints } from './explain-name.ts';
import { explainRequest, gatewayRoutes, servesHost } from './explain-request.ts';
import { explainPacket } from './explain-service.ts';
import type { Explanation, Question, Source, Step } from './explanation.ts';
import { nodeAddresses, podAddresses, type World } from './world.ts';

/** Addresses of nobody (RFC 5737, RFC 3849), standing for a client outside. */
const outsideAddresses = ['203.0.113.1', '2001:db8::1'];

/** A source as the data planes see it. */
interface Origin {
  /** One per family, the preferred one first: a connection comes from that of its destination's family. */
  readonly addresses: readonly string[];
  /** Node whose rules the connection meets first. */
  readonly node: string;
  /** Namespace whose search list applies; absent outside of Pods. */
  readonly namespace?: string;
  readonly text: string;
}

function originOf(world: World, source: Source | undefined): Origin | { readonly problem: string } {
  const [first] = world.nodes.values();
  const firstNode = first?.metadata.name ?? '';
  // A name server alone has no node, and names lead somewhere all the same.
  if (source === undefined && first === undefined) {
    return { addresses: outsideAddresses, node: '', text: 'outside: the cluster has no node' };
  }
  if (source === undefined || source.kind === 'node') {
    const name = source?.name ?? firstNode;
    const node = world.nodes.get(name);
    if (node === undefined) return { problem: `there is no node ${name}` };
    return { addresses: nodeAddresses(node), node: name, text: `node ${name}` };
  }
  if (source.kind === 'external') {
    const where = first === undefined ? ': the cluster has no node' : `, at node ${firstNode}`;
    return { addresses: outsideAddresses, node: firstNode, text: `outside${where}` };
  }
  const pod = world.pods.get(`${source.namespace}/${source.name}`);
  if (pod === undefined) return { problem: `there is no Pod ${source.namespace}/${source.name}` };
  const addresses = podAddresses(pod);
  if (addresses.length === 0) return { problem: `Pod ${source.namespace}/${source.name} has no address yet` };
  return {
    addresses,
    node: pod.spec?.nodeName ?? '',
    namespace: source.namespace,
    text: `Pod ${source.namespace}/${source.name} (${addresses.join(', ')}) on ${pod.spec?.nodeName}`,
  };
}

/** The address that a connection to a destination comes from; a node may have another one than it tells. */
function sourceTowards({ addresses, namespace }: Origin, destination: string): string | undefined {
  const found = [...addresses, ...(namespace === undefined ? outsideAddresses : [])];
  return found.find((address) => ipFamilyOf(address) === ipFamilyOf(destination));
}

/**
 * Says where a connection ends and why, by walking the same compiled programs
 * that the data planes run: DNS records, service program, route table. Pure.
 */
export function explain(world: World, question: Question, ingressClass: string): Explanation {
  const origin = originOf(world, question.source);
  if ('problem' in origin) {
    return { outcome: 'no-such-name', steps: [{ layer: 'from', text: origin.problem }], endpoints: [] };
  }
  const steps: Step[] = [{ layer: 'from', text: origin.text }];
  const after = (explanation: Explanation): Explanation => ({
    ...explanation,
    steps: [...steps, ...explanation.steps],
  });

  const resolved = explainName(world, question.host, origin.namespace);
  const routes = question.request === undefined ? undefined : gatewayRoutes(world, ingressClass);
  const host = question.request?.headers.get('host') ?? question.host;
  if (resolved === undefined) {
    if (routes !== undefined && servesHost(routes, host)) {
      steps.push({ layer: 'name', text: `${question.host} is a host of the gateway` });
      return after(explainRequest(world, routes, question));
    }
    const what = routes === undefined ? 'no name of the cluster' : 'no host of the gateway and no name of the cluster';
    const text = `${question.host} is ${what}; the upstream servers decide`;
    const hints = origin.namespace === undefined ? searchHints(world, question.host) : [];
    return after({ outcome: 'no-such-name', steps: [{ layer: 'name', text }, ...hints], endpoints: [] });
  }
  steps.push(...resolved.steps);
  const [destination] = resolved.addresses;
  if (destination === undefined) return after({ outcome: 'no-such-name', steps: [], endpoints: [] });
  const source = sourceTowards(origin, destination);
  if (source === undefined) {
    const text = `${destination} cannot be reached from there: the source has no address of its family`;
    return after({ outcome: 'dropped', steps: [{ layer: 'result', text }], endpoints: [] });
  }
  const packet = {
    source,
    node: origin.node,
    destination,
    port: question.port,
    protocol: question.protocol,
  };
  const traced = explainPacket(world, packet);
  const published = world.ingresses.some((ingress) =>
    ingress.status?.loadBalancer?.ingress?.some((entry) => entry.ip === destination),
  );
  if (traced.outcome === 'outside' && published && routes !== undefined) {
    return after(explainRequest(world, routes, question));
  }
  if (resolved.addresses.length > 1) {
    steps.push({ layer: 'name', text: `clients choose; ${destination} is followed here` });
  }
  return after(traced);
}
