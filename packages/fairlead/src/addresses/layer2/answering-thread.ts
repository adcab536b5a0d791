import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { machineMonotonicMs } from '../../sys/clock.ts';
import { Epoll } from '../../sys/epoll.ts';
import { drainEventfd } from '../../sys/eventfd.ts';
import { EPOLLIN } from '../../sys/linux-constants.ts';
import {
  type FilterInstruction,
  openGroupSocket,
  openPacketSocket,
  setGroupMembership,
} from '../../sys/packet-socket.ts';
import { PinnedBuffer } from '../../sys/pinned.ts';
import { close, recv, send } from '../../sys/socket.ts';
import { ETHERTYPE_ARP } from '../../wire/arp/arp.ts';
import {
  ETHERTYPE_IPV6,
  NEIGHBOR_ADVERTISEMENT,
  NEIGHBOR_SOLICITATION,
  solicitedNodeGroup,
} from '../../wire/ndp/ndp.ts';
import {
  type AnsweringCommand,
  type AnsweringEvent,
  type AnsweringThreadData,
  answeringCounter,
} from './answering-messages.ts';
import { Layer2Responder, type OutgoingFrame } from './layer2-responder.ts';

/** Neighbour discovery only: next header ICMPv6, type solicitation or advertisement. */
const ndpFilter: readonly FilterInstruction[] = [
  [0x30, 0, 0, 20],
  [0x15, 0, 4, 58],
  [0x30, 0, 0, 54],
  [0x15, 1, 0, NEIGHBOR_SOLICITATION],
  [0x15, 0, 1, NEIGHBOR_ADVERTISEMENT],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
];
const frameBytes = 2048;
/** The kernel bounds the memberships of one socket by memory (optmem_max); this many always fit. */
const groupsPerSocket = 100;
const wakeToken = 0;

/** Sockets of one link, opened when an address of their family is announced there. */
interface LinkSockets {
  arp: number;
  ndp: number;
  /** Group → socket that is its member. */
  readonly groups: Map<string, number>;
}

/** The thread that answers for addresses: a blocking loop over packet sockets, with the responder in it. */
function runAnsweringThread({ wakeFd, counters }: AnsweringThreadData): void {
  const counts = new Int32Array(counters);
  const tell = (event: AnsweringEvent): void => parentPort?.postMessage(event);
  const responder = new Layer2Responder(
    (address, state) => tell({ kind: 'state', address, state }),
    (address, mac) => tell({ kind: 'foreign', address, mac }),
  );
  const links = new Map<number, LinkSockets>();
  const groupSockets: { readonly fd: number; members: number }[] = [];
  const byToken = new Map<number, { readonly link: number; readonly fd: number }>();
  const epoll = new Epoll(64);
  const incoming = new PinnedBuffer(frameBytes);
  const outgoing = new PinnedBuffer(frameBytes);
  epoll.add(wakeFd, EPOLLIN, wakeToken);

  const open = (link: number, etherType: number): number => {
    const fd = openPacketSocket(link, etherType, etherType === ETHERTYPE_IPV6 ? ndpFilter : []);
    if (fd < 0) {
      tell({ kind: 'failed', link, what: 'packet socket', errno: -fd });
      return -1;
    }
    byToken.set(fd, { link, fd });
    epoll.add(fd, EPOLLIN, fd);
    return fd;
  };
  const shut = (fd: number): void => {
    if (fd < 0) return;
    epoll.remove(fd);
    byToken.delete(fd);
    close(fd);
  };
  const join = (link: number, group: Uint8Array): number => {
    let socket = groupSockets.find((one) => one.members < groupsPerSocket);
    if (socket === undefined) {
      socket = { fd: openGroupSocket(), members: 0 };
      if (socket.fd < 0) return -1;
      groupSockets.push(socket);
    }
    const result = setGroupMembership(socket.fd, group, link, true);
    if (result < 0) {
      tell({ kind: 'failed', link, what: 'multicast group', errno: -result });
      return -1;
    }
    socket.members++;
    return socket.fd;
  };
  const leave = (link: number, group: string, fd: number): void => {
    setGroupMembership(fd, Buffer.from(group, 'latin1'), link, false);
    const socket = groupSockets.find((one) => one.fd === fd);
    if (socket !== undefined) socket.members--;
  };

  /** Opens, joins, leaves and closes until every link listens to what its addresses need. */
  const arrange = (touched: Iterable<number>): void => {
    for (const link of touched) {
      let sockets = links.get(link);
      if (sockets === undefined) {
        sockets = { arp: -1, ndp: -1, groups: new Map() };
        links.set(link, sockets);
      }
      const ipv4 = responder.addressesOn(link, 4);
      const ipv6 = responder.addressesOn(link, 6);
      if (ipv4.length > 0 && sockets.arp < 0) sockets.arp = open(link, ETHERTYPE_ARP);
      if (ipv6.length > 0 && sockets.ndp < 0) sockets.ndp = open(link, ETHERTYPE_IPV6);
      const wanted = new Map(ipv6.map((bytes) => [Buffer.from(solicitedNodeGroup(bytes)).toString('latin1'), bytes]));
      for (const [group, fd] of sockets.groups) {
        if (wanted.has(group)) continue;
        leave(link, group, fd);
        sockets.groups.delete(group);
      }
      for (const group of wanted.keys()) {
        if (sockets.groups.has(group)) continue;
        const fd = join(link, Buffer.from(group, 'latin1'));
        if (fd >= 0) sockets.groups.set(group, fd);
      }
      if (ipv4.length === 0) {
        shut(sockets.arp);
        sockets.arp = -1;
      }
      if (ipv6.length === 0) {
        shut(sockets.ndp);
        sockets.ndp = -1;
      }
      if (ipv4.length + ipv6.length === 0) links.delete(link);
    }
  };

  const transmit = (frames: readonly OutgoingFrame[]): void => {
    for (const { link, frame } of frames) {
      const sockets = links.get(link);
      const isArp = frame[12] === ETHERTYPE_ARP >> 8 && frame[13] === (ETHERTYPE_ARP & 0xff);
      const fd = (isArp ? sockets?.arp : sockets?.ndp) ?? -1;
      if (fd < 0) continue;
      outgoing.bytes.set(frame);
      // A link that is down or full loses the frame, as the network may: announcements are repeated.
      send(fd, outgoing, 0, frame.length);
    }
  };

  const linksOf = new Map<string, readonly number[]>();
  const obey = (command: AnsweringCommand): boolean => {
    const nowMs = machineMonotonicMs();
    switch (command.kind) {
      case 'announce': {
        const before = linksOf.get(command.address) ?? [];
        const now = command.links.map(({ index }) => index);
        linksOf.set(command.address, now);
        responder.announce(command.address, command.links, nowMs);
        arrange(new Set([...before, ...now]));
        return true;
      }
      case 'withdraw': {
        const before = linksOf.get(command.address) ?? [];
        linksOf.delete(command.address);
        responder.withdraw(command.address);
        arrange(before);
        return true;
      }
      case 'extend':
        responder.extend(command.deadlineMs, nowMs);
        return true;
      case 'stop':
        return false;
    }
  };

  /** All that has arrived on a socket; announcements of others before the questions after them, as on the wire. */
  const drain = (link: number, fd: number): void => {
    for (;;) {
      const length = recv(fd, incoming, 0, frameBytes);
      if (length <= 0) return;
      Atomics.add(counts, answeringCounter.received, 1);
      const answers = responder.receive(link, incoming.bytes.subarray(0, length), machineMonotonicMs());
      if (answers.length > 0) Atomics.add(counts, answeringCounter.answered, answers.length);
      transmit(answers);
    }
  };

  for (let running = true; running; ) {
    const due = responder.nextDueMs();
    const waitMs = due === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(due - machineMonotonicMs()));
    const ready = epoll.wait(waitMs);
    for (let i = 0; i < ready; i++) {
      const token = epoll.eventToken(i);
      if (token === wakeToken) drainEventfd(wakeFd);
      else {
        const socket = byToken.get(token);
        if (socket !== undefined) drain(socket.link, socket.fd);
      }
    }
    for (
      let message = receiveMessageOnPort(parentPort!);
      message !== undefined;
      message = receiveMessageOnPort(parentPort!)
    ) {
      if (!obey(message.message as AnsweringCommand)) running = false;
    }
    const frames = responder.tick(machineMonotonicMs());
    if (frames.length > 0) Atomics.add(counts, answeringCounter.sent, frames.length);
    transmit(frames);
  }
  for (const { arp, ndp } of links.values()) for (const fd of [arp, ndp]) shut(fd);
  for (const { fd } of groupSockets) close(fd);
  epoll.close();
  tell({ kind: 'stopped' });
}

runAnsweringThread(workerData as AnsweringThreadData);
