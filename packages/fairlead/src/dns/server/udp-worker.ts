// Hot path: the thread that serves UDP. Blocks in the kernel, never runs an event loop.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../sys/clock.ts';
import { DatagramBatch } from '../../sys/datagrams.ts';
import { Epoll } from '../../sys/epoll.ts';
import { drainEventfd } from '../../sys/eventfd.ts';
import { EPOLLIN, MSG_DONTWAIT, MSG_WAITFORONE } from '../../sys/linux-constants.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { rcode } from '../../wire/dns/constants.ts';
import type { ViewPlan } from '../views/view-plan.ts';
import type { AccessRule } from './access-list.ts';
import type { AddressPrefix } from './address-prefix.ts';
import { counterIndex } from './counters.ts';
import type { ForeignBuffers } from './foreign-layout.ts';
import { HandOffRoom } from './hand-off-room.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { mayTap } from './query-tap.ts';
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
  /** Memory of {@link HandOffRoom}. */
  readonly handOffShares: SharedArrayBuffer;
  readonly subnetSources: readonly AddressPrefix[];
  readonly accessRules: readonly AccessRule[];
  /** Absent: there are no views. */
  readonly views: ViewPlan | undefined;
  /** NOTIFY messages go to the main thread. */
  readonly takesNotify: boolean;
  /** What the sockets are bound to. */
  readonly addresses: readonly SocketAddress[];
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
  /** View that the query is for; 0: none. */
  readonly view: number;
  /** The client has its answer: only fetch a fresh one. */
  readonly isRefresh: boolean;
  /** Place in the {@link HandOffRoom}. */
  readonly share: number;
}

/** A query of the sampled log, as it was answered. */
export interface LoggedQuery {
  readonly loggedName: Uint8Array;
  readonly type: number;
  /** Response code; -1: forwarded. */
  readonly code: number;
  readonly peer: SocketAddress;
  /** For who listens right now, not for the log. */
  readonly isTapped: boolean;
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

/** Bytes 2 to 11 of the header of a query with one question and no more. */
const plainQueryHeader = Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 0, 0, 0);

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
  accessRules: data.accessRules,
  takesNotify: data.takesNotify,
  views: data.views && new (await import('../views/view-chooser.ts')).ViewChooser(data.views),
});
const room = new HandOffRoom(controlWords, new Int32Array(data.handOffShares), data.cookieSecret);
const limiter = data.rateLimits && new RateLimiter(data.rateLimits);
/** Queries, and then in their place their answers. */
const batch = new DatagramBatch(batchDatagrams, slotBytes);
/** Of the answers in `batch`; 0: none. */
const lengths = new Int32Array(batchDatagrams);
answerer.peer = batch.peerBytes;
let generation = 0;

function takeMessages(): void {
  generation = Atomics.load(controlWords, control.generation);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    answerer.replace(next.message as TableBuffers);
  }
}

function handOver(socket: number, slot: number, isRefresh: boolean): number {
  const start = slot * slotBytes;
  const share = room.take(batch.peerBytes, slot * sockaddrBytes);
  if (share < 0) return rcode.SERVFAIL;
  const peer = batch.peer(slot);
  if (peer === undefined) {
    room.giveBack(share);
    return 0;
  }
  if (!isRefresh) counters[counterIndex.handedOff]!++;
  const end = isRefresh ? answerer.query.questionEnd : start + batch.receivedLength(slot);
  const message = Uint8Array.from(batch.bytes.subarray(start, end));
  if (isRefresh) {
    // The answer has taken the query's place, but for the question.
    message.set(plainQueryHeader, 2);
  }
  const { view } = answerer;
  const query: HandedOffQuery = { worker: data.index, socket, peer, message, view, isRefresh, share };
  port.postMessage(query);
  return 0;
}

let untilLogged = data.logEvery;

/** Every so many queries: tells the main thread of one. */
function sample(length: number, slot: number): void {
  if (--untilLogged > 0) return;
  untilLogged = data.logEvery;
  tell(length, slot, false);
}

function tell(length: number, slot: number, isTapped: boolean): void {
  const peer = batch.peer(slot);
  const { query } = answerer;
  if (peer === undefined || query.questionEnd === 0) return;
  const code = length === handOff ? -1 : batch.bytes[slot * slotBytes + 3]! & 15;
  const loggedName = query.name.slice(0, query.nameBytes);
  const logged: LoggedQuery = { loggedName, type: query.qtype, code, peer, isTapped };
  port.postMessage(logged);
}

/** Length of an answer after rate limiting; 0: not sent. */
function limited(length: number, start: number): number {
  const answerClass = length === handOff ? forwardedClass : batch.bytes[start + 3]! & 15;
  const verdict = limiter!.check(batch.peerBytes, answerer.peerAt, answerClass, answerer.nowSeconds);
  if (verdict === rateVerdict.send) return length;
  counters[counterIndex.rateLimited]!++;
  return verdict === rateVerdict.drop ? 0 : answerer.truncate(batch.bytes, start, batch.bytes, start);
}

/** Answers the query in a slot in its place; returns the answer's length, 0 for none. */
function answerSlot(socket: number, slot: number): number {
  const { bytes } = batch;
  const start = slot * slotBytes;
  answerer.peerAt = slot * sockaddrBytes;
  let length = answerer.answer(bytes, start, start + batch.receivedLength(slot), bytes, start, 0);
  // What did not fit into the slot may have been well-formed: over TCP it does.
  const isCut = length > 0 && batch.wasTruncated(slot) && answerer.query.questionEnd > 0;
  if (isCut && (bytes[start + 3]! & 15) === rcode.FORMERR) length = answerer.truncate(bytes, start, bytes, start);
  if (data.logEvery > 0 && length !== 0) sample(length, slot);
  if (length !== 0 && mayTap(controlWords)) tell(length, slot, true);
  if (limiter !== undefined && length !== 0 && !answerer.hasValidCookie) length = limited(length, start);
  if (length === handOff) {
    const code = handOver(socket, slot, false);
    return code === 0 ? 0 : answerer.fail(bytes, start, bytes, start, code);
  }
  if (answerer.wantsRefresh) handOver(socket, slot, true);
  return length;
}

/** Sends the answers in slots [first, end). */
function sendAnswers(fd: number, first: number, end: number): void {
  while (first < end) {
    const taken = batch.send(fd, first, end - first, 0);
    if (taken > 0) first += taken;
    else {
      // The kernel refused the first one (e.g. no route to that client); the others may go.
      counters[counterIndex.sendFailures]!++;
      first++;
    }
  }
}

/** Receives, answers and sends one batch; returns how many datagrams came. */
function serveBatch(socket: number, flags: number): number {
  const fd = data.sockets[socket]!;
  const received = batch.receive(fd, flags);
  if (received <= 0) return received;
  // Odd: reading. What was published before this point is visible from here on.
  Atomics.add(controlWords, batchCounter, 1);
  if (Atomics.load(controlWords, control.generation) !== generation) takeMessages();
  answerer.server = data.addresses[socket]!;
  answerer.nowSeconds = Math.floor(systemClock.now() / 1000);
  for (let slot = 0; slot < received; slot++) {
    const length = answerSlot(socket, slot);
    lengths[slot] = length;
    batch.setSendLength(slot, length);
  }
  Atomics.add(controlWords, batchCounter, 1);
  counters[counterIndex.batches]!++;
  let first = 0;
  for (let slot = 0; slot < received; slot++) {
    if (lengths[slot] !== 0) continue;
    sendAnswers(fd, first, slot);
    first = slot + 1;
  }
  sendAnswers(fd, first, received);
  for (let slot = 0; slot < received; slot++) {
    batch.resetPeer(slot);
    batch.setSendLength(slot, slotBytes);
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
