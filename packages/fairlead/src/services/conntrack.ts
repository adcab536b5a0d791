import { NETLINK_NETFILTER, netlinkMessage, openNetlink } from '../sys/netlink.ts';
import { inAnyCidr } from './cidr.ts';
import { conntrackDumpBody, conntrackMessage, decodeConntrackEntry } from './conntrack-codec.ts';
import type { ServiceProgram } from './program.ts';
import { type ServiceFlow, ServiceFrontends } from './service-frontends.ts';

/** A connection tracking entry, as far as it matters here. */
export interface ConntrackFlow extends ServiceFlow {
  /** The client. */
  readonly source: { readonly ip: string; readonly port: number };
  /** What names the entry to the kernel. */
  readonly identity: Buffer;
}

/** One Service before and after a change. */
export interface ProgramChange {
  readonly before: ServiceProgram | undefined;
  readonly after: ServiceProgram | undefined;
}

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;

/** UDP frontends that existed before or after these changes, with what may serve them now: nothing, if gone. */
export function changedUdpFrontends(changes: Iterable<ProgramChange>, nodeIps: readonly string[]): ServiceFrontends {
  const all = [...changes];
  const frontends = new ServiceFrontends(['UDP'], nodeIps);
  // What is there now wins over what was: a frontend may have moved from one Service to another.
  for (const { before } of all) if (before !== undefined) frontends.add(before, true);
  for (const { after } of all) if (after !== undefined) frontends.add(after, false);
  return frontends;
}

/**
 * Whether a UDP flow must be forgotten: it goes to a frontend, but its answers would not come from one
 * of the frontend's endpoints. A sender with a fixed port would otherwise keep its old translation, or
 * none at all, as long as it sends (kubernetes#139629, #141371).
 */
export function isStale(flow: ServiceFlow, frontends: ServiceFrontends): boolean {
  return frontends.isServed(flow) === false;
}

/** Result of a deletion of flows; `errno` is 0 or negative. */
export interface DeletedFlows {
  readonly deleted: number;
  readonly errno: number;
}

/**
 * Deletes the kernel's entries of which `isOver` is true. Walks all entries of both families.
 * `before` runs when they are found, and still there.
 */
export async function deleteFlows(
  isOver: (flow: ConntrackFlow) => boolean,
  before?: () => Promise<void>,
): Promise<DeletedFlows> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  if (typeof netlink === 'number') return { deleted: 0, errno: netlink };
  try {
    const over: ConntrackFlow[] = [];
    for (const family of ['IPv4', 'IPv6'] as const) {
      const ask = netlinkMessage(conntrackMessage.get, NLM_F_REQUEST | NLM_F_DUMP, conntrackDumpBody(family));
      const errno = await netlink.request(ask, (_, payload) => {
        const flow = decodeConntrackEntry(payload);
        if (flow !== undefined && isOver(flow)) over.push(flow);
      });
      if (errno < 0) return { deleted: 0, errno };
    }
    await before?.();
    let deleted = 0;
    for (const flow of over) {
      const message = netlinkMessage(conntrackMessage.delete, NLM_F_REQUEST | NLM_F_ACK, flow.identity);
      // An entry that expired meanwhile is as good as deleted.
      if ((await netlink.request(message)) === 0) deleted++;
    }
    return { deleted, errno: 0 };
  } finally {
    netlink.close();
  }
}

/**
 * Whether a UDP flow was translated for a Service that nobody knows any more: it was deleted while no proxy ran.
 * `serviceCidrs`: ranges that are nobody else's; `known`: cluster IPs in them that Services have, also other proxies'.
 */
export function isOrphan(
  { destination, replySource }: ServiceFlow,
  serviceCidrs: readonly string[],
  known: ReadonlySet<string>,
): boolean {
  if (replySource.ip === destination.ip || known.has(destination.ip)) return false;
  return inAnyCidr(destination.ip, serviceCidrs);
}

/**
 * Deletes the kernel's stale UDP flows to these frontends, and those that are `stale` otherwise. Call it after the
 * frontends are installed.
 */
export async function reconcileConntrack(
  frontends: ServiceFrontends,
  stale?: (flow: ServiceFlow) => boolean,
): Promise<DeletedFlows> {
  if (frontends.isEmpty && stale === undefined) return { deleted: 0, errno: 0 };
  return deleteFlows((flow) => flow.protocol === 'UDP' && (isStale(flow, frontends) || stale?.(flow) === true));
}
