// Hot path: the loop. One epoll_wait per batch, one recv per readable connection.
import type { Clock } from '../sys/clock.ts';
import { Epoll } from '../sys/epoll.ts';
import { ECONNABORTED, EINPROGRESS, EINTR, errnoName } from '../sys/errno.ts';
import { drainEventfd } from '../sys/eventfd.ts';
import {
  AF_INET,
  AF_INET6,
  EPOLLIN,
  IPPROTO_TCP,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  TCP_NODELAY,
} from '../sys/linux-constants.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import type { Log } from '../sys/role.ts';
import { close, connectEncoded, resetOnClose, setSocketOption, socket } from '../sys/socket.ts';
import type { EncodedAddress, SocketAddress } from '../sys/socket-address.ts';
import { SysError } from '../sys/sys-error.ts';
import { HANDSHAKING } from './connection-state.ts';
import type { DescriptorLedger } from './descriptor-ledger.ts';
import { EpollConnection } from './epoll-connection.ts';
import { EpollDatagramRelay } from './epoll-datagram-relay.ts';
import { EpollListener } from './epoll-listener.ts';
import { PipePool } from './pipe-pool.ts';
import {
  type AcceptOptions,
  type Acceptor,
  type BoundSocket,
  type ConnectionHandler,
  type DatagramLimits,
  type DatagramRelay,
  type DatagramRouter,
  HIGH_WATER_BYTES,
  INPUT_BASE,
  type ListeningSocket,
  NO_HANDLER,
  type ProxiedConnection,
  READ_MAX_BYTES,
  type Reactor,
  type ReactorStats,
  type SocketConnection,
  type TurnTask,
} from './reactor.ts';
import type { QueuedTotal } from './send-queue.ts';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';
import { type TlsConnectOptions, TlsTransport } from './tls-transport.ts';

const EVENTS_MAX = 512;
/** Events in one batch from which connections that move much are told apart from those that move little. */
const BUSY_EVENTS = 64;
/** Bytes that one event of such a batch moves at most: what moves them goes on in the bulk lane. */
const BUSY_READ_BYTES = 16 * 1024;
/** An event that moves fewer bytes is none of a bulk transfer. */
const SMALL_BYTES = 4 * 1024;
/** Events of the bulk lane in one turn, and connections that read again: about a millisecond of copying each. */
const BULK_EVENTS = 16;
/** Handshakes in progress from which further ones wait for their turn in the bulk lane: each costs a signature. */
const BUSY_HANDSHAKES = 32;
/** Token: slot in the low bits, generation above, so that a stale event finds no new connection. */
const SLOT_BITS = 20;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const GENERATION_MASK = 0x7ff;
/** Queued output of a whole reactor from which each connection gets less of it. */
const CROWDED_BYTES = 64 * 1024 * 1024;
const CROWDED_HIGH_WATER_BYTES = 8 * 1024;
const CROWDED_READ_BYTES = 16 * 1024;

/** Tokens of watchers, the wake descriptor and the bulk lane are negative. */
const WAKE_TOKEN = -1;
const BULK_TOKEN = -2;
const FIRST_WATCHER_TOKEN = -3;

/** What an {@link EpollReactor} is built from. */
export interface EpollReactorOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Eventfd that another thread signals. */
  readonly wakeFd: number;
  readonly onWake: () => void;
  readonly ledger: DescriptorLedger;
}

/** Owner of a descriptor that is no connection: a listening or datagram socket. */
export interface Watcher {
  onReadable(): void;
  /** Lets go of the descriptor. */
  stop(): void;
}

/**
 * The reactor on epoll: blocks its thread, calls the kernel through `sys`.
 *
 * Epoll gives events in the order in which descriptors became ready, so where thousands of connections move as much
 * as they can, a small request would wait for a piece of each of them. So in a busy batch each event moves little, and
 * who moved that much goes to the bulk lane, a second epoll instance inside the first, of which each turn takes a few:
 *
 *     turn    ┌─ every event of the first ─┐┌─ at most 16 of the bulk lane ─┐┌─ read-again ─┐┌─ timers ─┐
 */
export class EpollReactor implements Reactor {
  readonly input: PinnedBuffer = new PinnedBuffer(INPUT_BASE + READ_MAX_BYTES);
  readonly output: PinnedBuffer = new PinnedBuffer(256 * 1024);
  /** Staging for queued and foreign bytes. */
  readonly flushScratch: PinnedBuffer = new PinnedBuffer(64 * 1024);
  readonly epoll: Epoll = new Epoll(EVENTS_MAX);
  readonly bulk: Epoll = new Epoll(BULK_EVENTS);
  readonly timers: TimerWheel;
  readonly pipes: PipePool;
  /** Output that waits, of all connections. */
  readonly queued: QueuedTotal = { bytes: 0 };
  nowMs: number;
  /** Bytes read and flushed so far, by which the work of an event is told. */
  movedBytes: number = 0;
  /** The present batch has many events. */
  isBusy: boolean = false;
  readonly #options: EpollReactorOptions;
  readonly #connections: (EpollConnection | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #freeSlots: number[] = [];
  readonly #watchers: (Watcher | undefined)[] = [];
  readonly #freeWatchers: number[] = [];
  readonly #unwatched: number[] = [];
  readonly #deferred: EpollConnection[] = [];
  /** Read again in the next turn: bytes wait in their TLS sessions. */
  readonly #readAgain: EpollConnection[] = [];
  #bulkReady = false;
  #turnTasks: TurnTask[] = [];
  #running = false;
  #open = 0;
  #accepted = 0;
  /** Of incoming connections, in progress. */
  #handshakes = 0;
  #handlerErrors = 0;
  #batches = 0;

  constructor(options: EpollReactorOptions) {
    this.#options = options;
    this.nowMs = options.clock.monotonicMs();
    this.timers = new TimerWheel(this.nowMs);
    this.pipes = new PipePool(options.ledger);
    for (const { fd } of [this.epoll, this.bulk]) {
      if (fd < 0) throw new SysError('call-failed', `epoll_create1: ${errnoName(fd)}`, { errno: -fd });
      options.ledger.opened(fd);
    }
    this.epoll.add(this.bulk.fd, EPOLLIN, BULK_TOKEN);
    this.epoll.add(options.wakeFd, EPOLLIN, WAKE_TOKEN);
  }

  listen(socket: BoundSocket, accept: Acceptor, options: AcceptOptions = {}): ListeningSocket {
    const listener = new EpollListener(this, descriptorOf(socket), accept, options);
    listener.start();
    return listener;
  }

  relayDatagrams(socket: BoundSocket, router: DatagramRouter, limits: DatagramLimits): DatagramRelay {
    return new EpollDatagramRelay(this, descriptorOf(socket), router, limits);
  }

  whenListening(callback: (failure: string | undefined) => void): void {
    callback(undefined);
  }

  /** Queued output above which a connection is congested. Many slow readers at once get less each. */
  get highWaterBytes(): number {
    return this.queued.bytes > CROWDED_BYTES ? CROWDED_HIGH_WATER_BYTES : HIGH_WATER_BYTES;
  }

  /** Most bytes one read takes. */
  get readMaxBytes(): number {
    if (this.isBusy) return BUSY_READ_BYTES;
    return this.queued.bytes > CROWDED_BYTES ? CROWDED_READ_BYTES : READ_MAX_BYTES;
  }

  /** Notes a descriptor opened for this reactor, and that it is closed, for whoever outlives the thread. */
  get ledger(): DescriptorLedger {
    return this.#options.ledger;
  }

  /** Calls `watcher` while `fd` is readable. Returns a number for {@link unwatch}, or -errno. */
  watch(fd: number, watcher: Watcher): number {
    const index = this.#freeWatchers.pop() ?? this.#watchers.length;
    const result = this.epoll.add(fd, EPOLLIN, FIRST_WATCHER_TOKEN - index);
    if (result < 0) {
      if (index < this.#watchers.length) this.#freeWatchers.push(index);
      return result;
    }
    this.#watchers[index] = watcher;
    return index;
  }

  /** Before the descriptor is closed. */
  unwatch(fd: number, index: number): void {
    this.epoll.remove(fd);
    this.#watchers[index] = undefined;
    // Not at once: the present batch may hold an event of it.
    this.#unwatched.push(index);
  }

  connect(
    address: EncodedAddress,
    handler: ConnectionHandler,
    tls?: TlsConnectOptions,
    preamble?: Uint8Array,
  ): SocketConnection {
    const domain = address.buffer[0] === AF_INET ? AF_INET : AF_INET6;
    const fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0) return this.#failedConnection(fd, handler);
    setSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const transport = tls === undefined ? undefined : new TlsTransport(undefined, tls, preamble);
    const connection = this.#add(fd, true, handler, transport);
    const result = connectEncoded(fd, address);
    if (result < 0 && result !== -EINPROGRESS) connection.fail(result);
    if (preamble !== undefined && tls === undefined) connection.writeBytes(preamble);
    return connection;
  }

  /** A connection that failed before it had a descriptor; the handler hears of it like of any failure. */
  #failedConnection(error: number, handler: ConnectionHandler): SocketConnection {
    const connection = new EpollConnection(this, -1, 0, true, handler, undefined);
    connection.fail(error);
    return connection;
  }

  #add(fd: number, connecting: boolean, handler: ConnectionHandler, tls: TlsTransport | undefined): EpollConnection {
    const slot = this.#freeSlots.pop() ?? this.#connections.length;
    const generation = ((this.#generations[slot] ?? 0) + 1) & GENERATION_MASK;
    this.#generations[slot] = generation;
    const connection = new EpollConnection(this, fd, (generation << SLOT_BITS) | slot, connecting, handler, tls);
    this.#connections[slot] = connection;
    this.#options.ledger.opened(fd);
    this.#open++;
    if (!connecting && tls !== undefined && this.#handshakes > BUSY_HANDSHAKES) connection.place.isBulk = true;
    const result = connection.place.enter();
    if (result < 0) connection.fail(result);
    return connection;
  }

  /** Registers an accepted descriptor. */
  accepted(
    fd: number,
    peer: SocketAddress,
    accept: Acceptor,
    { tls, gate }: AcceptOptions,
    proxied?: ProxiedConnection,
  ): void {
    this.#accepted++;
    if (gate?.admit(peer, tls === undefined ? 0 : this.#handshakes) === false) {
      resetOnClose(fd);
      close(fd);
      return;
    }
    const connection = this.#add(
      fd,
      false,
      NO_HANDLER,
      tls === undefined ? undefined : new TlsTransport(tls, undefined),
    );
    // Fields instead of closures: a function that is made for a connection and put into one keeps all of it alive until
    // the next full collection (V8 14), whatever becomes of the connection.
    connection.gate = gate;
    connection.peer = peer;
    connection.proxied = proxied;
    connection.acceptor = accept;
    if (tls !== undefined) {
      this.#handshakes++;
      connection.setDeadline(this.nowMs + tls.handshakeMs);
      return;
    }
    try {
      connection.becomeAccepted(undefined);
    } catch (error) {
      this.#contain(connection, error);
    }
  }

  /** The handshake of an incoming connection is over, one way or the other. */
  noteHandshakeEnd(): void {
    this.#handshakes--;
  }

  /** Called by a connection right before it closes its descriptor. */
  forget(connection: EpollConnection): void {
    if (connection.fd < 0) return;
    const slot = connection.token & SLOT_MASK;
    this.#connections[slot] = undefined;
    this.#freeSlots.push(slot);
    this.#options.ledger.closed(connection.fd);
    this.#open--;
    if (connection.acceptor !== undefined) this.#handshakes--;
    connection.gate?.release(connection.peer!);
  }

  /** Runs {@link EpollConnection.onDeferred} after the present callback. */
  defer(connection: EpollConnection): void {
    this.#deferred.push(connection);
  }

  /** Lets a connection read again in the next turn. */
  readAgain(connection: EpollConnection): void {
    this.#readAgain.push(connection);
  }

  /** Runs a callback of a connection; an exception costs that connection only. */
  guard(connection: EpollConnection, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#contain(connection, error);
    }
  }

  #contain(connection: EpollConnection, error: unknown): void {
    this.#handlerErrors++;
    this.#options.log('error', 'a connection handler failed', { error: (error as Error)?.stack ?? String(error) });
    // Tell the owner, so that a peer connection is released too; if that throws as well, only close.
    connection.fail(-ECONNABORTED);
  }

  atTurnEnd(task: TurnTask): void {
    this.#turnTasks.push(task);
  }

  #runTurnTasks(): void {
    const tasks = this.#turnTasks;
    this.#turnTasks = [];
    for (const task of tasks) this.contained('a task failed', () => task.onTurnEnd());
  }

  /** Runs what belongs to no TCP connection; an exception is logged and counted. False if there was one. */
  contained(message: string, callback: () => void): boolean {
    try {
      callback();
      return true;
    } catch (error) {
      this.#handlerErrors++;
      this.#options.log('error', message, { error: (error as Error)?.stack ?? String(error) });
      return false;
    }
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = new WheelTimer(() => this.contained('a timer failed', callback));
    this.timers.set(timer, this.nowMs + delayMs);
    return () => this.timers.remove(timer);
  }

  async run(): Promise<void> {
    this.#running = true;
    const { clock } = this.#options;
    const { epoll, bulk } = this;
    while (this.#running) {
      const isPending = this.#deferred.length > 0 || this.#readAgain.length > 0 || this.#turnTasks.length > 0;
      const count = epoll.wait(isPending ? 0 : this.timers.waitMs(clock.monotonicMs()));
      this.nowMs = clock.monotonicMs();
      if (count < 0 && count !== -EINTR) {
        throw new SysError('call-failed', `epoll_wait: ${errnoName(count)}`, { errno: -count });
      }
      if (count > 0) this.#batches++;
      this.isBusy = count >= BUSY_EVENTS;
      for (let i = 0; i < count; i++) this.#dispatch(epoll.eventToken(i), epoll.eventBits(i));
      this.isBusy = false;
      if (this.#bulkReady) {
        this.#bulkReady = false;
        const bulkCount = bulk.wait(0);
        for (let i = 0; i < bulkCount; i++) this.#dispatch(bulk.eventToken(i), bulk.eventBits(i));
      }
      if (this.#readAgain.length > 0) this.#runReadAgain();
      if (this.#unwatched.length > 0) this.#freeWatchers.push(...this.#unwatched.splice(0));
      this.timers.advance(this.nowMs);
      if (this.#deferred.length > 0) this.#runDeferred();
      if (this.#turnTasks.length > 0) this.#runTurnTasks();
    }
    this.#shutDown();
  }

  #dispatch(token: number, bits: number): void {
    if (token < 0) this.#onSpecialEvent(token);
    else {
      const connection = this.#connections[token & SLOT_MASK];
      if (connection === undefined || connection.token !== token) return;
      const before = this.movedBytes;
      try {
        connection.onEvent(bits);
        if (this.isBusy || connection.place.isBulk) this.#chooseLane(connection, this.movedBytes - before);
      } catch (error) {
        this.#contain(connection, error);
      }
    }
    if (this.#deferred.length > 0) this.#runDeferred();
  }

  #chooseLane(connection: EpollConnection, movedBytes: number): void {
    const { isBulk } = connection.place;
    if (isBulk ? movedBytes < SMALL_BYTES && connection.state !== HANDSHAKING : movedBytes >= BUSY_READ_BYTES) {
      connection.changeLane(!isBulk);
    }
  }

  #runReadAgain(): void {
    // Who has yet more to read enters again, at the end.
    for (const connection of this.#readAgain.splice(0, BULK_EVENTS)) {
      this.guard(connection, () => connection.onReadAgain());
      if (this.#deferred.length > 0) this.#runDeferred();
    }
  }

  #runDeferred(): void {
    // Entries may be added while this runs; each connection enters at most once per cause.
    for (let i = 0; i < this.#deferred.length; i++) {
      const connection = this.#deferred[i]!;
      try {
        connection.onDeferred();
      } catch (error) {
        this.#contain(connection, error);
        connection.close();
      }
    }
    this.#deferred.length = 0;
  }

  #onSpecialEvent(token: number): void {
    if (token === BULK_TOKEN) {
      this.#bulkReady = true;
      return;
    }
    if (token !== WAKE_TOKEN) {
      this.contained('a socket handler failed', () => this.#watchers[FIRST_WATCHER_TOKEN - token]?.onReadable());
      return;
    }
    drainEventfd(this.#options.wakeFd);
    this.#options.onWake();
  }

  #shutDown(): void {
    for (const watcher of this.#watchers) watcher?.stop();
    for (const connection of this.#connections) connection?.close();
    this.pipes.close();
    for (const epoll of [this.bulk, this.epoll]) {
      this.#options.ledger.closed(epoll.fd);
      epoll.close();
    }
  }

  stop(): void {
    this.#running = false;
  }

  stats(): ReactorStats {
    return {
      openConnections: this.#open,
      acceptedConnections: this.#accepted,
      handlerErrors: this.#handlerErrors,
      batches: this.#batches,
    };
  }
}

function descriptorOf(socket: BoundSocket): number {
  if (typeof socket === 'number') return socket;
  throw new TypeError('this reactor takes sockets that are open');
}
