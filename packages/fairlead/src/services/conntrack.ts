import { NETLINK_NETFILTER, netlinkMessage, openNetlink } from '../sys/netlink.ts';
import { conntrackDumpBody, conntrackMessage, decodeConntrackEntry } from './conntrack-codec.ts';
import {
  type EndpointTarget,
  externalVerdict,
  internalVerdict,
  type ServicePortProgram,
  type ServiceProgram,
  shortCircuitVerdict,
  type Verdict,
} from './program.ts';

/** A connection tracking entry, as far as it matters here. */
export interface ConntrackFlow {
  /** Where the client sends to. */
  readonly destination: { readonly ip: string; readonly port: number };
  /** Where answers come from: the endpoint it was translated to, or the destination itself. */
  readonly replySource: { readonly ip: string; readonly port: number };
  /** What names the entry to the kernel. */
  readonly identity: Buffer;
}

/** Endpoints that may serve each UDP frontend, both as `address port`. */
export type UdpFrontends = ReadonlyMap<string, ReadonlySet<string>>;

/** One Service before and after a change. */
export interface ProgramChange {
  readonly before: ServiceProgram | undefined;
  readonly after: ServiceProgram | undefined;
}

const UDP = 17;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;

function placeText(place: { readonly ip: string; readonly port: number }): string {
  return `${place.ip} ${place.port}`;
}

function endpointsOf(verdicts: readonly Verdict[]): Set<string> {
  const targets = verdicts.flatMap((verdict): readonly EndpointTarget[] =>
    verdict.kind === 'balance' ? verdict.endpoints : [],
  );
  return new Set(targets.map(placeText));
}

function addFrontends(
  out: Map<string, Set<string>>,
  port: ServicePortProgram,
  nodeIps: readonly string[],
  gone: boolean,
): void {
  const set = (ip: string, number: number, verdicts: readonly Verdict[]): void => {
    out.set(placeText({ ip, port: number }), gone ? new Set() : endpointsOf(verdicts));
  };
  const external = [externalVerdict(port), shortCircuitVerdict(port)];
  for (const vip of port.vips) set(vip.ip, port.port, vip.kind === 'clusterIP' ? [internalVerdict(port)] : external);
  if (port.nodePort === undefined) return;
  for (const ip of nodeIps) {
    if (ip.includes(':') === (port.family === 'IPv6')) set(ip, port.nodePort, external);
  }
}

/** UDP frontends that existed before or after these changes, with what may serve them now: nothing, if gone. */
export function changedUdpFrontends(changes: Iterable<ProgramChange>, nodeIps: readonly string[]): UdpFrontends {
  const all = [...changes];
  const out = new Map<string, Set<string>>();
  const add = (program: ServiceProgram | undefined, gone: boolean): void => {
    for (const port of program?.ports ?? []) if (port.protocol === 'UDP') addFrontends(out, port, nodeIps, gone);
  };
  // What is there now wins over what was: a frontend may have moved from one Service to another.
  for (const { before } of all) add(before, true);
  for (const { after } of all) add(after, false);
  return out;
}

/**
 * Whether a UDP flow must be forgotten: it goes to a frontend, but its answers would not come from one
 * of the frontend's endpoints. A sender with a fixed port would otherwise keep its old translation, or
 * none at all, as long as it sends (kubernetes#139629, #141371).
 */
export function isStale(flow: ConntrackFlow, frontends: UdpFrontends): boolean {
  const serving = frontends.get(placeText(flow.destination));
  return serving !== undefined && !serving.has(placeText(flow.replySource));
}

/** Result of a reconciliation; `errno` is 0 or negative. */
export interface ConntrackReconciliation {
  readonly deleted: number;
  readonly errno: number;
}

/** Deletes the kernel's stale UDP flows to these frontends. Call it after the frontends are installed. */
export async function reconcileConntrack(frontends: UdpFrontends): Promise<ConntrackReconciliation> {
  if (frontends.size === 0) return { deleted: 0, errno: 0 };
  const netlink = openNetlink(NETLINK_NETFILTER);
  if (typeof netlink === 'number') return { deleted: 0, errno: netlink };
  try {
    const stale: ConntrackFlow[] = [];
    for (const family of ['IPv4', 'IPv6'] as const) {
      const ask = netlinkMessage(conntrackMessage.get, NLM_F_REQUEST | NLM_F_DUMP, conntrackDumpBody(family));
      const errno = await netlink.request(ask, (_, payload) => {
        const flow = decodeConntrackEntry(payload, UDP);
        if (flow !== undefined && isStale(flow, frontends)) stale.push(flow);
      });
      if (errno < 0) return { deleted: 0, errno };
    }
    let deleted = 0;
    for (const flow of stale) {
      const message = netlinkMessage(conntrackMessage.delete, NLM_F_REQUEST | NLM_F_ACK, flow.identity);
      // An entry that expired meanwhile is as good as deleted.
      if ((await netlink.request(message)) === 0) deleted++;
    }
    return { deleted, errno: 0 };
  } finally {
    netlink.close();
  }
}
