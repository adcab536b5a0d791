import { EEXIST, ENOENT } from '../../../sys/errno.ts';
import { NETLINK_ROUTE, netlinkMessage, openNetlink } from '../../../sys/netlink.ts';
import { netlinkAttribute } from '../../../wire/nft/attributes.ts';

/** Which packets of a link: those that arrive, or those that leave. */
export type FilterSide = 'arriving' | 'leaving';

/** Where a filter is on a link. */
export interface FilterPlace {
  readonly interfaceIndex: number;
  readonly side: FilterSide;
  /** ETH_P_IP or ETH_P_IPV6: each has filters of its own. */
  readonly etherType: number;
}

// linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_DUMP = 0x300;
const TC_H_CLSACT = 0xfffffff1;
const clsactHandle = 0xffff0000;
const parents: Readonly<Record<FilterSide, number>> = { arriving: 0xfffffff2, leaving: 0xfffffff3 };
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const handle = 1;
/** Ours among the filters of a link; IPv6 has the next one, as a priority belongs to one protocol. */
const firstPriority = 7800;
const etherTypeIpv6 = 0x86dd;

/** `struct tcmsg`. */
function trafficControl(interfaceIndex: number, itsHandle: number, parent: number, info: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeInt32LE(interfaceIndex, 4);
  bytes.writeUInt32LE(itsHandle, 8);
  bytes.writeUInt32LE(parent, 12);
  bytes.writeUInt32LE(info, 16);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1');
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Priority in the upper half, protocol in the network's order in the lower. */
function filterInfo(etherType: number): number {
  const priority = firstPriority + (etherType === etherTypeIpv6 ? 1 : 0);
  return ((priority << 16) | ((etherType & 0xff) << 8) | (etherType >> 8)) >>> 0;
}

function filterMessage(
  type: number,
  flags: number,
  place: FilterPlace,
  its: number,
  attributes: readonly Buffer[],
): Buffer {
  const { interfaceIndex, side, etherType } = place;
  const head = trafficControl(interfaceIndex, its, parents[side], filterInfo(etherType));
  return netlinkMessage(type, NLM_F_REQUEST | NLM_F_ACK | flags, Buffer.concat([head, ...attributes]));
}

async function withNetlink(
  enter: <T>(work: () => T) => T,
  ask: (socket: Exclude<ReturnType<typeof openNetlink>, number>) => Promise<number>,
): Promise<number> {
  const socket = enter(() => openNetlink(NETLINK_ROUTE));
  if (typeof socket === 'number') return socket;
  try {
    return await ask(socket);
  } finally {
    socket.close();
  }
}

/** Makes a socket where the link is; the filter's own place needs no more. */
export type EnterNamespace = <T>(work: () => T) => T;

/** In the network namespace of this process. */
export const here: EnterNamespace = (work) => work();

/**
 * Puts a loaded program on a link, in place of the one that was there, in one step. It lives as long as the link, beyond
 * this process: like rules, it serves on when the process is killed, and the next one replaces it.
 * @returns 0 or -errno
 */
export function attachFilter(
  place: FilterPlace,
  program: number,
  name: string,
  enter: EnterNamespace = here,
): Promise<number> {
  return withNetlink(enter, async (socket) => {
    const queue = trafficControl(place.interfaceIndex, clsactHandle, TC_H_CLSACT, 0);
    const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    const body = Buffer.concat([queue, netlinkAttribute(TCA_KIND, text('clsact'))]);
    const made = await socket.request(netlinkMessage(RTM_NEWQDISC, flags, body));
    // Others' filters may have needed it before.
    if (made < 0 && made !== -EEXIST) return made;
    const options = Buffer.concat([
      netlinkAttribute(TCA_BPF_FD, number(program)),
      netlinkAttribute(TCA_BPF_NAME, text(name)),
      netlinkAttribute(TCA_BPF_FLAGS, number(TCA_BPF_FLAG_ACT_DIRECT)),
    ]);
    const attributes = [netlinkAttribute(TCA_KIND, text('bpf')), netlinkAttribute(TCA_OPTIONS, options)];
    return socket.request(filterMessage(RTM_NEWTFILTER, NLM_F_CREATE, place, handle, attributes));
  });
}

/** Takes our filter off a link, and what held it unless others have filters there. 0 or -errno. */
export function detachFilter(place: FilterPlace, enter: EnterNamespace = here): Promise<number> {
  return withNetlink(enter, async (socket) => {
    const gone = await socket.request(filterMessage(RTM_DELTFILTER, 0, place, 0, []));
    if (gone < 0 && gone !== -ENOENT) return gone;
    let others = 0;
    for (const parent of Object.values(parents)) {
      const ask = trafficControl(place.interfaceIndex, 0, parent, 0);
      const dump = netlinkMessage(RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP, ask);
      await socket.request(dump, () => {
        others++;
      });
    }
    if (others > 0) return 0;
    const queue = trafficControl(place.interfaceIndex, clsactHandle, TC_H_CLSACT, 0);
    const removed = await socket.request(netlinkMessage(RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK, queue));
    return removed === -ENOENT ? 0 : removed;
  });
}
