// Hot path: one recvmmsg and, per run of one client's datagrams, one sendmmsg.
import { DatagramBatch } from '../sys/datagrams.ts';
import { EAGAIN, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } from '../sys/errno.ts';
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_DGRAM, SOCK_NONBLOCK } from '../sys/linux-constants.ts';
import { answerControl, packetInfoBytes, receivePacketInfo } from '../sys/packet-info.ts';
import { close, connectEncoded, socket } from '../sys/socket.ts';
import { decodeSocketAddress, type EncodedAddress, type SocketAddress } from '../sys/socket-address.ts';
import type { EpollReactor, Watcher } from './epoll-reactor.ts';
import type { DatagramLimits, DatagramRelay, DatagramRouter } from './reactor.ts';

const BATCH = 32;
/** Longest UDP payload over IPv4; the memory is touched only as far as datagrams reach. */
const DATAGRAM_MAX_BYTES = 65_535;
/** Batches in a row before others get their turn. */
const BATCHES_PER_EVENT = 4;

const NOTHING: Buffer = Buffer.alloc(0);

/** Slots of one thread: calls do not nest. */
let shared: DatagramBatch | undefined;

function sharedBatch(): DatagramBatch {
  shared ??= new DatagramBatch(BATCH, DATAGRAM_MAX_BYTES, packetInfoBytes);
  return shared;
}

/** Key of a peer: a number for IPv4 (48 bits: address and port), text for IPv6. */
type PeerKey = number | string;

function peerKey(bytes: Buffer, at: number): PeerKey {
  if (bytes[at] === AF_INET) return bytes.readUInt32BE(at + 4) * 65536 + bytes.readUInt16BE(at + 2);
  return bytes.toString('latin1', at + 2, at + 28);
}

/** One client's flow: a socket of its own, connected to the endpoint, so that answers find their way back. */
class Flow implements Watcher {
  readonly key: PeerKey;
  readonly client: Uint8Array;
  readonly endpoint: EncodedAddress;
  readonly fd: number;
  /** Control message that makes answers come from the address that the client asked; empty: there is only one. */
  readonly control: Buffer;
  usedMs = 0;
  watched = -1;
  readonly #relay: EpollDatagramRelay;

  constructor(
    relay: EpollDatagramRelay,
    key: PeerKey,
    client: Uint8Array,
    endpoint: EncodedAddress,
    fd: number,
    control: Buffer,
  ) {
    this.control = control;
    this.#relay = relay;
    this.key = key;
    this.client = client;
    this.endpoint = endpoint;
    this.fd = fd;
  }

  onReadable(): void {
    this.#relay.onAnswers(this);
  }

  stop(): void {
    this.#relay.end(this, false);
  }
}

/** Datagrams relayed in batches. */
export class EpollDatagramRelay implements DatagramRelay, Watcher {
  readonly #reactor: EpollReactor;
  readonly #fd: number;
  readonly #router: DatagramRouter;
  readonly #limits: DatagramLimits;
  readonly #watched: number;
  /** Bound to all addresses of the machine: each datagram says which one it was sent to. */
  readonly #manyAddresses: boolean;
  /** In order of use. */
  readonly #flows = new Map<PeerKey, Flow>();
  #cancelSweep: (() => void) | undefined = undefined;
  #stopped = false;

  constructor(reactor: EpollReactor, fd: number, router: DatagramRouter, limits: DatagramLimits) {
    this.#reactor = reactor;
    this.#fd = fd;
    this.#router = router;
    this.#limits = limits;
    this.#manyAddresses = receivePacketInfo(fd);
    this.#watched = reactor.watch(fd, this);
  }

  get flows(): number {
    return this.#flows.size;
  }

  /** Client datagrams: those of one client in a row go out with one call. */
  onReadable(): void {
    const batch = sharedBatch();
    for (let turn = 0; turn < BATCHES_PER_EVENT; turn++) {
      if (this.#manyAddresses) batch.armControl();
      const count = batch.receive(this.#fd, MSG_DONTWAIT);
      // A refusal (ICMP) of an answer to a client that is gone says nothing to the others.
      if (count === -ECONNREFUSED) continue;
      if (count <= 0) return;
      let first = 0;
      while (first < count) {
        const key = this.#keyOf(batch, first);
        let end = first + 1;
        while (end < count && this.#keyOf(batch, end) === key) end++;
        const flow = this.#flows.get(key) ?? this.#open(key, batch, first);
        if (flow !== undefined) this.#toEndpoint(flow, batch, first, end);
        first = end;
      }
      for (let i = 0; i < count; i++) {
        batch.resetPeer(i);
        batch.setSendLength(i, DATAGRAM_MAX_BYTES);
      }
      if (count < BATCH) return;
    }
  }

  /** A client that asks two addresses of the machine has two flows: each answers from its own. */
  #keyOf(batch: DatagramBatch, slot: number): PeerKey {
    const key = peerKey(batch.peerBytes, slot * 32);
    return this.#manyAddresses ? `${key} ${batch.controlOf(slot).toString('latin1')}` : key;
  }

  #toEndpoint(flow: Flow, batch: DatagramBatch, first: number, end: number): void {
    this.#touch(flow);
    for (let i = first; i < end; i++) {
      batch.setSendLength(i, batch.receivedLength(i));
      batch.clearPeer(i);
      batch.setControl(i, NOTHING);
    }
    this.#sendAll(batch, flow.fd, first, end, flow);
  }

  /** Sends slots [first, end). What the kernel does not take is lost, as on any full link; a refusal ends the flow. */
  #sendAll(batch: DatagramBatch, fd: number, first: number, end: number, flow: Flow): void {
    let at = first;
    let refusals = 0;
    while (at < end) {
      const sent = batch.send(fd, at, end - at, MSG_DONTWAIT);
      if (sent > 0) at += sent;
      else if (sent === -ECONNREFUSED && refusals++ === 0 && fd === flow.fd) {
        // The error belongs to an earlier datagram: this one is still to be sent, by a flow to another endpoint.
        const next = this.#reopen(flow, batch, at);
        if (next === undefined) return;
        flow = next;
        fd = next.fd;
      } else if (sent === -EAGAIN) return;
      else at++;
    }
  }

  #reopen(flow: Flow, batch: DatagramBatch, at: number): Flow | undefined {
    this.end(flow, true);
    batch.setRawPeer(at, flow.client);
    const next = this.#open(flow.key, batch, at, flow.control);
    batch.clearPeer(at);
    return next;
  }

  #open(
    key: PeerKey,
    batch: DatagramBatch,
    slot: number,
    control: Buffer = this.#manyAddresses ? answerControl(batch.controlOf(slot)) : NOTHING,
  ): Flow | undefined {
    const client = batch.peer(slot);
    if (client === undefined || this.#stopped) return undefined;
    const endpoint = this.#router.route(client);
    if (endpoint === undefined) return undefined;
    if (this.#flows.size >= this.#limits.flowsMax) this.#endOldest();
    const fd = socket(endpoint.buffer[0] === AF_INET ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK);
    if (fd < 0) {
      this.#router.ended(client, endpoint, false);
      return undefined;
    }
    const flow = new Flow(this, key, batch.rawPeer(slot), endpoint, fd, control);
    this.#reactor.ledger.opened(fd);
    const connected = connectEncoded(fd, endpoint);
    flow.watched = connected < 0 ? connected : this.#reactor.watch(fd, flow);
    this.#flows.set(key, flow);
    if (flow.watched < 0) {
      this.end(flow, connected === -ENETUNREACH || connected === -EHOSTUNREACH);
      return undefined;
    }
    this.#cancelSweep ??= this.#sweepLater();
    return flow;
  }

  #touch(flow: Flow): void {
    flow.usedMs = this.#reactor.nowMs;
  }

  #endOldest(): void {
    let oldest: Flow | undefined;
    // A sample is enough: the map is in order of opening.
    let looked = 0;
    for (const flow of this.#flows.values()) {
      if (oldest === undefined || flow.usedMs < oldest.usedMs) oldest = flow;
      if (++looked === 16) break;
    }
    if (oldest !== undefined) this.end(oldest, false);
  }

  /** Answers of a flow's endpoint. */
  onAnswers(flow: Flow): void {
    const batch = sharedBatch();
    for (let turn = 0; turn < BATCHES_PER_EVENT; turn++) {
      const count = batch.receive(flow.fd, MSG_DONTWAIT);
      if (count < 0) {
        // A refused datagram ends the flow: the client's next one tries another endpoint.
        if (count !== -EAGAIN) this.end(flow, true);
        return;
      }
      this.#touch(flow);
      for (let i = 0; i < count; i++) {
        batch.setSendLength(i, batch.receivedLength(i));
        batch.setRawPeer(i, flow.client);
        batch.setControl(i, flow.control);
      }
      let at = 0;
      while (at < count) {
        const sent = batch.send(this.#fd, at, count - at, MSG_DONTWAIT);
        if (sent === -EAGAIN) break;
        at += Math.max(sent, 1);
      }
      for (let i = 0; i < count; i++) {
        batch.resetPeer(i);
        batch.setControl(i, NOTHING);
        batch.setSendLength(i, DATAGRAM_MAX_BYTES);
      }
      if (count < BATCH) return;
    }
  }

  /** Ends one flow. */
  end(flow: Flow, isRefused: boolean): void {
    if (this.#flows.get(flow.key) !== flow) return;
    this.#flows.delete(flow.key);
    if (flow.watched >= 0) this.#reactor.unwatch(flow.fd, flow.watched);
    this.#reactor.ledger.closed(flow.fd);
    close(flow.fd);
    this.#router.ended(decodeSocketAddress(flow.client) as SocketAddress, flow.endpoint, isRefused);
  }

  #sweepLater(): () => void {
    return this.#reactor.after(Math.max(this.#limits.idleMs / 8, 16), () => {
      this.#cancelSweep = undefined;
      const limit = this.#reactor.nowMs - this.#limits.idleMs;
      for (const flow of this.#flows.values()) if (flow.usedMs <= limit) this.end(flow, false);
      if (this.#flows.size > 0) this.#cancelSweep = this.#sweepLater();
    });
  }

  review(keeps: (endpoint: EncodedAddress) => boolean): void {
    for (const flow of this.#flows.values()) if (!keeps(flow.endpoint)) this.end(flow, false);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelSweep?.();
    for (const flow of [...this.#flows.values()]) this.end(flow, false);
    if (this.#watched >= 0) this.#reactor.unwatch(this.#fd, this.#watched);
  }
}
