// Hot path: the thread that serves UDP. Blocks in the kernel, never runs an event loop.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../sys/clock.ts';
import { DatagramBatch } from '../../sys/datagrams.ts';
import { Epoll } from '../../sys/epoll.ts';
import { drainEventfd } from '../../sys/eventfd.ts';
import { EPOLLIN, MSG_DONTWAIT, MSG_WAITFORONE } from '../../sys/linux-constants.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { rcode } from '../../wire/dns/constants.ts';
import type { AddressPrefix } from './address-prefix.ts';
import { counterIndex } from './counters.ts';
import type { ForeignBuffers } from './foreign-layout.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { RateLimiter, type RateLimits, rateVerdict } from './rate-limiter.ts';
import { ServerCookies } from './server-cookie.ts';
import { control, counterStrideWords, type TableBuffers } from './table-layout.ts';
import type { ZoneTemplate } from './zone-template.ts';

/** What a worker is started with. */
export interface UdpWorkerData {
  readonly index: number;
  /** One bound socket per listen address. */
  readonly sockets: readonly number[];
  /** Signalled when there is a message in the port, or to stop. */
  readonly wakeFd: number;
  readonly buffers: TableBuffers;
  readonly zones: readonly ZoneTemplate[];
  readonly counters: SharedArrayBuffer;
  /** Forwarded answers. */
  readonly foreign: ForeignBuffers;
  readonly cookieSecret: Uint8Array;
  readonly subnetSources: readonly AddressPrefix[];
  /** Every so many queries one is logged; 0: none. */
  readonly logEvery: number;
  /** Absent: no limits. */
  readonly rateLimits: RateLimits | undefined;
}

/** A query the worker cannot answer. */
export interface HandedOffQuery {
  readonly worker: number;
  readonly socket: number;
  readonly peer: SocketAddress;
  readonly message: Uint8Array;
  /** The client has its answer: only fetch a fresh one. */
  readonly isRefresh: boolean;
}

/** A query of the sampled log, as it was answered. */
export interface LoggedQuery {
  readonly loggedName: Uint8Array;
  readonly type: number;
  /** Response code; -1: forwarded. */
  readonly code: number;
  readonly peer: SocketAddress;
}

/** Longest stay in epoll_wait; the sockets' SO_RCVTIMEO is the same. */
const idleTimeoutMs = 1000;
const batchDatagrams = 64;
/** Most batches of one socket that are answered after the order to stop. */
const restBatches = 400;
/** Distance of peers in a batch. */
const sockaddrBytes = 32;
/** Beyond the response codes: what is not yet known. */
const forwardedClass = 16;
/** An odd multiple of a cache line, so that slots do not fall on the same cache sets. */
const slotBytes = 1344;

const data = workerData as UdpWorkerData;
const port = parentPort!;
const controlWords = new Int32Array(data.buffers.control);
const batchCounter = control.batchCounters + data.index * counterStrideWords;
const counters = new Float64Array(data.counters);
const answerer = new QueryAnswerer(data.buffers, data.zones, {
  counters,
  foreign: data.foreign,
  cookies: new ServerCookies(data.cookieSecret),
  subnetSources: data.subnetSources,
});
const limiter = data.rateLimits && new RateLimiter(data.rateLimits);
const input = new DatagramBatch(batchDatagrams, slotBytes);
const output = new DatagramBatch(batchDatagrams, slotBytes);
answerer.peer = input.peerBytes;
let generation = 0;

function takeMessages(): void {
  generation = Atomics.load(controlWords, control.generation);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    answerer.replace(next.message as TableBuffers);
  }
}

function handOver(socket: number, slot: number, isRefresh: boolean): number {
  const start = slot * slotBytes;
  const peer = input.peer(slot);
  const room = Atomics.load(controlWords, control.handOffLimit);
  if (peer === undefined) return 0;
  if (Atomics.add(controlWords, control.handedOff, 1) >= room) {
    Atomics.sub(controlWords, control.handedOff, 1);
    return rcode.SERVFAIL;
  }
  if (!isRefresh) counters[counterIndex.handedOff]!++;
  const message = Uint8Array.from(input.bytes.subarray(start, start + input.receivedLength(slot)));
  const query: HandedOffQuery = { worker: data.index, socket, peer, message, isRefresh };
  port.postMessage(query);
  return 0;
}

let untilLogged = data.logEvery;

/** Every so many queries: tells the main thread of one. */
function sample(length: number, slot: number, base: number): void {
  if (--untilLogged > 0) return;
  untilLogged = data.logEvery;
  const peer = input.peer(slot);
  const { query } = answerer;
  if (peer === undefined || query.questionEnd === 0) return;
  const code = length === handOff ? -1 : output.bytes[base + 3]! & 15;
  const logged: LoggedQuery = { loggedName: query.name.slice(0, query.nameBytes), type: query.qtype, code, peer };
  port.postMessage(logged);
}

/** Length of an answer after rate limiting; 0: not sent. */
function limited(length: number, start: number, base: number): number {
  const answerClass = length === handOff ? forwardedClass : output.bytes[base + 3]! & 15;
  const verdict = limiter!.check(input.peerBytes, answerer.peerAt, answerClass, answerer.nowSeconds);
  if (verdict === rateVerdict.send) return length;
  counters[counterIndex.rateLimited]!++;
  return verdict === rateVerdict.drop ? 0 : answerer.truncate(input.bytes, start, output.bytes, base);
}

/** Receives, answers and sends one batch; returns how many datagrams came. */
function serveBatch(socket: number, flags: number): number {
  const fd = data.sockets[socket]!;
  const received = input.receive(fd, flags);
  if (received <= 0) return received;
  // Odd: reading. What was published before this point is visible from here on.
  Atomics.add(controlWords, batchCounter, 1);
  if (Atomics.load(controlWords, control.generation) !== generation) takeMessages();
  answerer.nowSeconds = Math.floor(systemClock.now() / 1000);
  let filled = 0;
  for (let slot = 0; slot < received; slot++) {
    const start = slot * slotBytes;
    const base = filled * slotBytes;
    let length = 0;
    if (!input.wasTruncated(slot)) {
      const end = start + input.receivedLength(slot);
      answerer.peerAt = slot * sockaddrBytes;
      length = answerer.answer(input.bytes, start, end, output.bytes, base, 0);
      if (data.logEvery > 0 && length !== 0) sample(length, slot, base);
      if (limiter !== undefined && length !== 0 && !answerer.hasValidCookie) length = limited(length, start, base);
      if (length === handOff) {
        const code = handOver(socket, slot, false);
        length = code === 0 ? 0 : answerer.fail(input.bytes, start, output.bytes, base, code);
      } else if (answerer.wantsRefresh) handOver(socket, slot, true);
    }
    if (length > 0) {
      output.setSendLength(filled, length);
      output.copyPeer(filled, input, slot);
      filled++;
    }
    input.resetPeer(slot);
  }
  Atomics.add(controlWords, batchCounter, 1);
  counters[counterIndex.batches]!++;
  let sent = 0;
  while (sent < filled) {
    const taken = output.send(fd, sent, filled - sent, 0);
    if (taken > 0) sent += taken;
    else {
      // The kernel refused the first one (e.g. no route to that client); the others may go.
      counters[counterIndex.sendFailures]!++;
      sent++;
    }
  }
  return received;
}

function isStopped(): boolean {
  return Atomics.load(controlWords, control.stop) !== 0;
}

/** Between batches without traffic: let go of replaced tables. */
function idle(): void {
  if (Atomics.load(controlWords, control.generation) !== generation) takeMessages();
}

/** One socket: block in recvmmsg itself, until a datagram, the socket's timeout, or its shutdown at the end. */
function serveOne(): void {
  while (!isStopped()) if (serveBatch(0, MSG_WAITFORONE) <= 0) idle();
}

/** Several sockets: epoll, and a batch from each that is readable. */
function serveMany(): void {
  const wakeToken = data.sockets.length;
  const epoll = new Epoll(wakeToken + 1);
  for (const [index, fd] of data.sockets.entries()) epoll.add(fd, EPOLLIN, index);
  epoll.add(data.wakeFd, EPOLLIN, wakeToken);
  while (!isStopped()) {
    const events = epoll.wait(idleTimeoutMs);
    if (events <= 0) idle();
    for (let event = 0; event < events; event++) {
      const token = epoll.eventToken(event);
      if (token === wakeToken) {
        drainEventfd(data.wakeFd);
        takeMessages();
      } else serveBatch(token, MSG_DONTWAIT);
    }
  }
  epoll.close();
}

/** At the end: answers what has arrived, but no endless stream of it. */
function serveRest(): void {
  for (const socket of data.sockets.keys()) {
    for (let batch = 0; batch < restBatches; batch++) if (serveBatch(socket, MSG_DONTWAIT) <= 0) break;
  }
}

if (data.sockets.length === 1) serveOne();
else serveMany();
serveRest();
port.close();
