import type { Clock } from '../sys/clock.ts';
import { errnoName } from '../sys/errno.ts';
import { NETLINK_NETFILTER, openNetlinkGroup } from '../sys/netlink.ts';
import type { Log } from '../sys/role.ts';
import type { ConntrackFlow } from './conntrack.ts';
import { conntrackMessage, decodeConntrackEntry } from './conntrack-codec.ts';

/** Group of notifications of new connections (linux/netfilter/nfnetlink_compat.h). */
const NFNLGRP_CONNTRACK_NEW = 1;
const readEveryMs = 100;
/** Connections that are told in one read; of more only their number is. */
const linesPerRead = 1000;

/**
 * Tells of every new connection that this node translates to an endpoint, as lines of JSON, until the returned
 * function is called. The kernel notifies while somebody listens; it does not where a packet goes on untranslated
 * (direct server return), nor of what is refused.
 */
export function tapConnections(clock: Clock, log: Log, take: (lines: string, dropped?: number) => void): () => void {
  const group = openNetlinkGroup(NETLINK_NETFILTER, NFNLGRP_CONNTRACK_NEW);
  if (typeof group === 'number') {
    log('warn', 'connections cannot be listened to', { error: errnoName(group) });
    return () => {};
  }
  let cancel: () => void = () => {};
  const read = (): void => {
    const lines: string[] = [];
    let dropped = 0;
    const time = new Date(clock.now()).toISOString();
    const result = group.read((type, payload) => {
      if (type !== conntrackMessage.new) return;
      const flow = decodeConntrackEntry(payload);
      if (flow === undefined || !isTranslated(flow)) return;
      if (lines.length < linesPerRead) lines.push(lineOf(time, flow));
      else dropped++;
    });
    // ENOBUFS: more than the socket holds, nobody knows how many.
    if (lines.length > 0 || dropped > 0 || result < 0) take(lines.join(''), dropped + (result < 0 ? 1 : 0));
    cancel = clock.after(readEveryMs, read);
  };
  read();
  return () => {
    cancel();
    group.close();
  };
}

function isTranslated({ destination, replySource }: ConntrackFlow): boolean {
  return destination.ip !== replySource.ip || destination.port !== replySource.port;
}

function lineOf(time: string, { protocol, source, destination, replySource }: ConntrackFlow): string {
  return `${JSON.stringify({ time, protocol, client: source, to: destination, endpoint: replySource })}\n`;
}
