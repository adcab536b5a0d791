import { connect } from 'node:net';
import type { Clock } from '../sys/clock.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import type { Log } from '../sys/role.ts';
import { decodeSocketAddress, type EncodedAddress, type SocketAddress, socketAddress } from '../sys/socket-address.ts';
import { NodeConnection } from './node-connection.ts';
import { NodeDatagramRelay } from './node-datagram-relay.ts';
import { NodeListener } from './node-listener.ts';
import { connectTls } from './node-tls-handshake.ts';
import {
  type AcceptOptions,
  type Acceptor,
  type BoundSocket,
  type ConnectionHandler,
  type DatagramLimits,
  type DatagramRelay,
  type DatagramRouter,
  INPUT_BASE,
  type ListeningSocket,
  READ_MAX_BYTES,
  type Reactor,
  type ReactorStats,
  type SocketConnection,
  type SocketPlace,
  type TurnTask,
} from './reactor.ts';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';
import type { TlsConnectOptions } from './tls-transport.ts';

/** A socket of the reactor that is no connection. */
export interface NodeSocket {
  stop(): void;
}

/**
 * The reactor on node:net, node:tls and node:dgram: for machines without Linux or FFI. Slower, since every
 * byte is copied and every event is an object, but the same to the protocols above it.
 */
export class NodeReactor implements Reactor {
  readonly input: PinnedBuffer = new PinnedBuffer(INPUT_BASE + READ_MAX_BYTES);
  readonly output: PinnedBuffer = new PinnedBuffer(256 * 1024);
  nowMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timers: TimerWheel;
  readonly #connections = new Set<NodeConnection>();
  readonly #sockets = new Set<NodeSocket>();
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  /** Events that came, and work put off, while a callback runs. */
  readonly #waiting: (readonly [NodeConnection | undefined, () => void])[] = [];
  readonly #turnTasks: TurnTask[] = [];
  #isInTurn = false;
  #isStopping = false;
  /** Everything is closed; nothing is called any more. */
  isOver: boolean = false;
  #armedMs = Infinity;
  #disarm: () => void = () => {};
  /** Sockets that do not listen yet. */
  #opening = 0;
  #openFailure: string | undefined = undefined;
  #whenListening: ((failure: string | undefined) => void)[] = [];
  #accepted = 0;
  #handlerErrors = 0;
  #batches = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.nowMs = clock.monotonicMs();
    this.#timers = new TimerWheel(this.nowMs);
  }

  listen(socket: BoundSocket, accept: Acceptor, options: AcceptOptions = {}): ListeningSocket {
    return new NodeListener(this, placeOf(socket), accept, options);
  }

  relayDatagrams(socket: BoundSocket, router: DatagramRouter, limits: DatagramLimits): DatagramRelay {
    return new NodeDatagramRelay(this, placeOf(socket), router, limits);
  }

  whenListening(callback: (failure: string | undefined) => void): void {
    this.#whenListening.push(callback);
    this.#tellListening();
  }

  #tellListening(): void {
    if (this.#opening > 0) return;
    const failure = this.#openFailure;
    this.#openFailure = undefined;
    for (const callback of this.#whenListening.splice(0)) callback(failure);
  }

  /** A socket begins to open; {@link opened} follows. */
  opening(): void {
    this.#opening++;
  }

  opened(failure: string | undefined): void {
    this.#opening--;
    this.#openFailure ??= failure;
    this.#tellListening();
  }

  connect(
    address: EncodedAddress,
    handler: ConnectionHandler,
    tls?: TlsConnectOptions,
    preamble?: Uint8Array,
  ): SocketConnection {
    const { address: host, port } = decodeSocketAddress(address.buffer)!;
    const raw = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const connection = new NodeConnection(this, raw, handler, true);
    this.#connections.add(connection);
    raw.once('connect', () =>
      this.turn(connection, () => {
        if (!connection.isOpen) return;
        if (preamble !== undefined) raw.write(Buffer.from(preamble));
        if (tls === undefined) connection.establish(raw, undefined);
        else connectTls(connection, raw, tls);
      }),
    );
    return connection;
  }

  /** Takes in an accepted connection. */
  add(connection: NodeConnection): void {
    this.#connections.add(connection);
  }

  /** One more was accepted, be it refused afterwards. */
  countAccepted(): void {
    this.#accepted++;
  }

  /** Called by a connection that closes. */
  forget(connection: NodeConnection): void {
    if (!this.#connections.delete(connection)) return;
    connection.onClosed?.();
  }

  keep(socket: NodeSocket): void {
    this.#sockets.add(socket);
  }

  drop(socket: NodeSocket): void {
    this.#sockets.delete(socket);
  }

  /**
   * Runs a callback on behalf of a connection: now, or, since callbacks never nest, after the running one.
   * An exception costs that connection only.
   */
  turn(connection: NodeConnection | undefined, work: () => void): void {
    if (this.isOver) return;
    this.#waiting.push([connection, work]);
    if (connection !== undefined) this.#batches++;
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.nowMs = this.#clock.monotonicMs();
    do {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#run(...next);
      for (const task of this.#turnTasks.splice(0)) this.#run(undefined, () => task.onTurnEnd());
    } while (this.#waiting.length > 0 || this.#turnTasks.length > 0);
    this.#isInTurn = false;
    if (this.#isStopping) this.#shutDown();
    else this.#arm();
  }

  /** The same, but an exception is the caller's. Not within another turn. */
  turnOrThrow(work: () => void): void {
    let failed = false;
    let failure: unknown;
    this.turn(undefined, () => {
      try {
        work();
      } catch (error) {
        failed = true;
        failure = error;
      }
    });
    if (failed) throw failure;
  }

  atTurnEnd(task: TurnTask): void {
    this.#turnTasks.push(task);
    if (!this.#isInTurn) queueMicrotask(() => this.turn(undefined, () => {}));
  }

  /** Puts work off until the running callback has returned; outside of one, until the caller has. */
  defer(connection: NodeConnection, work: () => void): void {
    if (this.#isInTurn) this.#waiting.push([connection, work]);
    else queueMicrotask(() => this.turn(connection, work));
  }

  #run(connection: NodeConnection | undefined, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.contain(connection, error);
    }
  }

  /** Accounts for an exception of a callback. */
  contain(connection: NodeConnection | undefined, error: unknown): void {
    this.#handlerErrors++;
    const message = connection === undefined ? 'a timer or socket handler failed' : 'a connection handler failed';
    this.#log('error', message, { error: (error as Error)?.stack ?? String(error) });
    connection?.failOrClose();
  }

  setTimer(timer: WheelTimer, atMs: number): void {
    this.#timers.set(timer, atMs);
    if (!this.#isInTurn) this.#arm();
  }

  removeTimer(timer: WheelTimer): void {
    this.#timers.remove(timer);
  }

  /** Lets the clock call when the wheel has something due. */
  #arm(): void {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#timers.waitMs(nowMs);
    if (this.isOver || waitMs < 0 || nowMs + waitMs >= this.#armedMs) return;
    this.#disarm();
    this.#armedMs = nowMs + waitMs;
    this.#disarm = this.#clock.after(waitMs, () => {
      this.#armedMs = Infinity;
      this.turn(undefined, () => this.#timers.advance(this.nowMs));
    });
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = new WheelTimer(() => this.#run(undefined, callback));
    this.setTimer(timer, this.nowMs + delayMs);
    return () => this.removeTimer(timer);
  }

  run(): Promise<void> {
    return this.#ended.promise;
  }

  stop(): void {
    this.#isStopping = true;
    if (!this.#isInTurn) this.#shutDown();
  }

  #shutDown(): void {
    if (this.isOver) return;
    for (const socket of [...this.#sockets]) socket.stop();
    for (const connection of [...this.#connections]) connection.close();
    this.isOver = true;
    this.#disarm();
    this.#ended.resolve();
  }

  stats(): ReactorStats {
    return {
      openConnections: this.#connections.size,
      acceptedConnections: this.#accepted,
      handlerErrors: this.#handlerErrors,
      batches: this.#batches,
    };
  }
}

function placeOf(socket: BoundSocket): SocketPlace {
  if (typeof socket !== 'number') return socket;
  throw new TypeError('node:net does not take descriptors that others own');
}

/** An address as node:net tells it; undefined when the socket is gone. */
export function nodeAddress(address: string | undefined, port: number | undefined): SocketAddress | undefined {
  return address === undefined || port === undefined ? undefined : socketAddress(address.replace(/%.*$/, ''), port);
}
