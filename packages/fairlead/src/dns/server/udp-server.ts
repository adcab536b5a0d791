import { Worker } from 'node:worker_threads';
import type { Clock } from '../../sys/clock.ts';
import { DatagramBatch } from '../../sys/datagrams.ts';
import { errnoName } from '../../sys/errno.ts';
import { eventfd, signalEventfd } from '../../sys/eventfd.ts';
import {
  AF_INET,
  AF_INET6,
  IP_FREEBIND,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  SHUT_RD,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../sys/linux-constants.ts';
import type { Log, Running } from '../../sys/role.ts';
import {
  bind,
  close,
  connect,
  localAddress,
  setSocketOption,
  setSocketOptionBytes,
  shutdown,
  socket,
} from '../../sys/socket.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { udpPayloadBytes } from '../../wire/dns/constants.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { DnsError } from '../dns-error.ts';
import type { ViewPlan } from '../views/view-plan.ts';
import type { AccessRule } from './access-list.ts';
import type { AddressPrefix } from './address-prefix.ts';
import type { AnswerTable } from './answer-table.ts';
import { counterWords } from './counters.ts';
import type { ForeignTable } from './foreign-table.ts';
import { HandOffRoom } from './hand-off-room.ts';
import type { QueryTap } from './query-tap.ts';
import type { RateLimits } from './rate-limiter.ts';
import { control, counterStrideWords, type TableBuffers } from './table-layout.ts';
import type { HandedOffQuery, LoggedQuery, UdpWorkerData } from './udp-worker.ts';
import type { ZoneTemplate } from './zone-template.ts';

/** What the UDP service needs. */
export interface UdpServerOptions {
  readonly listen: readonly SocketAddress[];
  readonly workers: number;
  readonly table: AnswerTable;
  readonly zones: readonly ZoneTemplate[];
  /** Answers what the table cannot; `undefined` sends nothing. */
  readonly resolve: (message: Uint8Array, peer: SocketAddress, view: number) => Promise<Uint8Array | undefined>;
  /** Forwarded answers that the workers may give. */
  readonly foreign: ForeignTable;
  /** Fetches an answer anew before it expires. */
  readonly refresh: (message: Uint8Array, view: number) => Promise<void>;
  /** Key of the server cookies. */
  readonly cookieSecret: Uint8Array;
  /** Who listens to queries; absent: nobody can. */
  readonly tap?: QueryTap;
  /** Logs one of so many queries; absent: none. */
  readonly logEvery?: number | undefined;
  /** Senders whose client subnet option is believed. Default: none. */
  readonly subnetSources?: readonly AddressPrefix[] | undefined;
  /** Who may ask for what. Default: all for everything. */
  readonly accessRules?: readonly AccessRule[] | undefined;
  /** Views of clients; absent: there are none. */
  readonly views?: ViewPlan | undefined;
  /** `resolve` takes NOTIFY messages, too. */
  readonly takesNotify?: boolean | undefined;
  /** Response rate limiting; absent: none. */
  readonly rateLimits?: RateLimits | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Receive buffer of a socket: room for about 10,000 queries while a worker is busy. */
const receiveBufferBytes = 8 << 20;

/** struct timeval of one second: how long a worker stays in the kernel when nobody asks or wakes it. */
const receiveTimeout = new Uint8Array(16);
receiveTimeout[0] = 1;

/** Pause before a failed worker is started again. */
const restartDelayMs = 50;

/**
 * Opens one socket per worker and address. All sockets of an address share it by SO_REUSEPORT, and
 * IP_FREEBIND lets the address appear later (the Pod bridge may not exist yet).
 */
export function openUdpSocket(address: SocketAddress): number {
  const isV6 = address.family === 'ipv6';
  const fd = socket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
  if (fd < 0) throw new DnsError('listen', `no UDP socket: ${errnoName(fd)}`);
  setSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  setSocketOption(fd, IPPROTO_IP, IP_FREEBIND, 1);
  if (isV6) setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes) < 0) {
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
  }
  setSocketOptionBytes(fd, SOL_SOCKET, SO_RCVTIMEO, receiveTimeout);
  const result = bind(fd, address);
  if (result < 0) {
    close(fd);
    throw new DnsError('listen', `cannot listen on UDP ${address.address} port ${address.port}: ${errnoName(result)}`);
  }
  return fd;
}

/** The UDP side: sockets, worker threads, and answers to handed-off queries. */
export class UdpServer implements Running {
  readonly counters: readonly Float64Array[];
  /** Bound addresses, with the ports the kernel chose. */
  readonly addresses: readonly SocketAddress[];
  readonly #options: UdpServerOptions;
  /** By worker, then by address. */
  readonly #sockets: readonly (readonly number[])[];
  readonly #wakeFds: readonly number[];
  readonly #threads: (Worker | undefined)[] = [];
  readonly #shares: SharedArrayBuffer = new SharedArrayBuffer(HandOffRoom.bytes);
  readonly #room: HandOffRoom;
  readonly #reply: DatagramBatch = new DatagramBatch(1, udpPayloadBytes);
  readonly #restarts: Set<() => void> = new Set();
  #starts = 0;
  #isStopping = false;
  #isClosed = false;
  #drained: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** @throws DnsError `listen` when an address is in use or not allowed. */
  constructor(options: UdpServerOptions) {
    this.#options = options;
    this.#room = new HandOffRoom(options.table.control, new Int32Array(this.#shares), options.cookieSecret);
    const open: number[] = [];
    try {
      const addresses: SocketAddress[] = [];
      for (const address of options.listen) {
        const fd = openUdpSocket(address);
        open.push(fd);
        addresses.push(localAddress(fd) ?? address);
      }
      const first = [...open];
      const others = Array.from({ length: options.workers - 1 }, () =>
        addresses.map((address) => {
          const fd = openUdpSocket(address);
          open.push(fd);
          return fd;
        }),
      );
      this.addresses = addresses;
      this.#sockets = [first, ...others];
    } catch (error) {
      for (const fd of open) close(fd);
      throw error;
    }
    this.#wakeFds = this.#sockets.map(() => eventfd());
    this.counters = this.#sockets.map(() => new Float64Array(new SharedArrayBuffer(counterWords * 8)));
  }

  /** Threads started since the beginning; more than `workers` means that some failed. */
  get starts(): number {
    return this.#starts;
  }

  /** The threads that run now. */
  get threads(): readonly Worker[] {
    return this.#threads.filter((thread) => thread !== undefined);
  }

  /** Starts the threads. */
  start(): void {
    process.once('exit', this.#wake);
    Atomics.store(this.#options.table.control, control.stop, 0);
    for (const index of this.#sockets.keys()) this.#startThread(index);
  }

  /** Passes grown table buffers to all workers; they take them before their next batch. */
  replaceBuffers(buffers: TableBuffers): void {
    for (const thread of this.#threads) thread?.postMessage(buffers);
  }

  /**
   * Takes no new datagrams, answers those that have arrived, and ends the threads. Sockets of other processes
   * at the same address get what comes from now on; without any the kernel tells clients that nobody listens.
   */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#restarts) cancel();
    process.off('exit', this.#wake);
    for (const sockets of this.#sockets) {
      for (const [index, fd] of sockets.entries()) {
        const address = this.addresses[index]!;
        // A connected socket is passed over when the kernel chooses among those that share the address. Not
        // for the unspecified address: connecting would give the socket another one to answer from.
        if (!/^[0.:]+$/.test(address.address)) connect(fd, address);
      }
    }
    const ended = this.#threads.map(
      (thread) =>
        new Promise<void>((resolve) => (thread === undefined ? resolve() : thread.once('exit', () => resolve()))),
    );
    this.#wake();
    await Promise.all(ended);
  }

  /** Drains, and closes the sockets: answers that are still being looked up are lost. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.drain();
    this.#isClosed = true;
    for (const fd of [...this.#sockets.flat(), ...this.#wakeFds]) close(fd);
  }

  /**
   * Tells the threads to end and wakes them. Also runs when the process exits: Node joins its threads
   * before it ends, and one that blocks in the kernel would keep it.
   */
  readonly #wake = (): void => {
    Atomics.store(this.#options.table.control, control.stop, 1);
    for (const fd of this.#wakeFds) signalEventfd(fd);
    // Ends a blocking recvmmsg; an unconnected socket reports ENOTCONN and is woken all the same. What has
    // arrived can still be received and answered.
    for (const fd of this.#sockets.flat()) shutdown(fd, SHUT_RD);
  };

  #startThread(index: number): void {
    const data: UdpWorkerData = {
      index,
      sockets: this.#sockets[index]!,
      wakeFd: this.#wakeFds[index]!,
      buffers: this.#options.table.buffers,
      zones: this.#options.zones,
      counters: this.counters[index]!.buffer as SharedArrayBuffer,
      foreign: this.#options.foreign.buffers,
      cookieSecret: this.#options.cookieSecret,
      handOffShares: this.#shares,
      subnetSources: this.#options.subnetSources ?? [],
      accessRules: this.#options.accessRules ?? [],
      views: this.#options.views,
      takesNotify: this.#options.takesNotify === true,
      addresses: this.addresses,
      rateLimits: this.#options.rateLimits,
      logEvery: this.#options.logEvery ?? 0,
    };
    const thread = new Worker(new URL('./udp-worker.ts', import.meta.url), {
      workerData: data,
      name: `dns-udp-${index}`,
    });
    this.#threads[index] = thread;
    this.#starts++;
    thread.on('message', (message: HandedOffQuery | LoggedQuery) => {
      if ('loggedName' in message) this.#log(message);
      else void this.#answer(message);
    });
    thread.on('error', (error) => this.#options.log('error', 'DNS worker failed', { worker: index, error }));
    thread.once('exit', () => this.#threadEnded(index));
  }

  /** A thread that ended by itself failed: another one takes its sockets over, after a pause against hot loops. */
  #threadEnded(index: number): void {
    this.#threads[index] = undefined;
    if (this.#isStopping) return;
    // Its batch counter may have stayed odd; an even one lets the table reuse memory again.
    const words = this.#options.table.control;
    const counter = control.batchCounters + index * counterStrideWords;
    if ((Atomics.load(words, counter) & 1) === 1) Atomics.add(words, counter, 1);
    const cancel = this.#options.clock.after(restartDelayMs, () => {
      this.#restarts.delete(cancel);
      this.#startThread(index);
    });
    this.#restarts.add(cancel);
  }

  #log({ loggedName, type, code, peer, isTapped }: LoggedQuery): void {
    const name = nameToText(loggedName);
    if (isTapped) {
      this.#options.tap?.tell({ client: peer.address, name, type, code, protocol: 'udp' });
      return;
    }
    const answer = code < 0 ? 'forwarded' : code;
    this.#options.log('info', 'DNS query', { client: peer.address, name, type, answer });
  }

  async #answer(query: HandedOffQuery): Promise<void> {
    try {
      if (query.isRefresh) {
        await this.#options.refresh(query.message, query.view);
        return;
      }
      const answer = await this.#options.resolve(query.message, query.peer, query.view);
      const fd = this.#sockets[query.worker]?.[query.socket];
      if (answer === undefined || fd === undefined || this.#isClosed) return;
      this.#reply.bytes.set(answer.subarray(0, udpPayloadBytes));
      this.#reply.setSendLength(0, answer.length);
      this.#reply.setPeer(0, query.peer);
      this.#reply.send(fd, 0, 1, MSG_DONTWAIT);
    } catch (error) {
      this.#options.log('error', 'DNS query failed', { error });
    } finally {
      this.#room.giveBack(query.share);
    }
  }
}
