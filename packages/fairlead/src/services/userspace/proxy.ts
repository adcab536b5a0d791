import { ReactorThread } from '../../reactor/reactor-thread.ts';
import { ThreadWaker } from '../../reactor/thread-waker.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { close } from '../../sys/socket.ts';
import type { ServicePortProgram } from '../program.ts';
import type { OwnedSocket } from './listening-socket.ts';
import {
  type FromProxy,
  type FrontendPlace,
  PROXY_METRIC,
  PROXY_METRICS,
  type ProxyStart,
  type ToProxy,
} from './messages.ts';

const MODULE = new URL('./proxy-thread.ts', import.meta.url);
/** Pause before a thread that failed is replaced. */
const RESTART_MS = 100;

/** Options of a {@link UserspaceProxy}. */
export interface UserspaceProxyOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Module of the thread. Default `proxy-thread.ts` beside this one. */
  readonly threadModule?: URL;
}

interface OpenFrontend {
  readonly portKey: string;
  readonly place: FrontendPlace;
  readonly socket: OwnedSocket;
}

/** What the proxy has done, summed over its threads. */
export type UserspaceProxyStats = Readonly<Record<keyof typeof PROXY_METRIC, number>>;

/**
 * The thread that relays, and what it is to know. It starts with the first frontend. A thread that
 * dies loses its connections; its successor gets the same listening sockets, which this one owns.
 */
export class UserspaceProxy {
  readonly #options: UserspaceProxyOptions;
  readonly #metrics = new SharedArrayBuffer(PROXY_METRICS * 8);
  readonly #ports = new Map<string, ServicePortProgram>();
  readonly #frontends = new Map<number, OpenFrontend>();
  /** By frontend that the thread is to let go of. */
  readonly #closing = new Map<number, () => void>();
  #thread: ReactorThread<ProxyStart, ToProxy, FromProxy> | undefined;
  #nextId = 1;
  #stopped = false;

  constructor(options: UserspaceProxyOptions) {
    this.#options = options;
  }

  #send(message: ToProxy): void {
    this.#thread?.send(message);
  }

  #start(): void {
    const { log, clock, threadModule } = this.#options;
    const thread = new ReactorThread<ProxyStart, ToProxy, FromProxy>({
      module: threadModule ?? MODULE,
      name: 'userspace proxy thread',
      waker: new ThreadWaker(),
      youngMb: 8,
      data: { metrics: this.#metrics },
      log,
      onMessage: (message) => this.#receive(message),
    });
    this.#thread = thread;
    for (const [key, program] of this.#ports) thread.send({ type: 'port', key, program });
    for (const [id, { portKey, place, socket }] of this.#frontends) {
      thread.send({ type: 'open', id, portKey, place, fd: socket.fd });
    }
    void thread.ended.then((asked) => {
      if (asked || this.#stopped) return;
      for (const closed of this.#closing.values()) closed();
      const gauges = new Float64Array(this.#metrics);
      gauges[PROXY_METRIC.openConnections] = 0;
      gauges[PROXY_METRIC.flows] = 0;
      clock.after(RESTART_MS, () => {
        if (!this.#stopped) this.#start();
      });
    });
  }

  #receive(message: FromProxy): void {
    if (message.type === 'closed') this.#closing.get(message.id)?.();
    else this.#options.log(message.level, message.message, message.fields);
  }

  /** Installs, replaces or (undefined) removes a port; its frontends are closed before. */
  setPort(key: string, program: ServicePortProgram | undefined): void {
    if (program === undefined) this.#ports.delete(key);
    else this.#ports.set(key, program);
    this.#send({ type: 'port', key, program });
  }

  /** Begins to serve a socket, which is this object's from now on. Returns the frontend's number. */
  open(portKey: string, place: FrontendPlace, socket: OwnedSocket): number {
    const id = this.#nextId++;
    this.#frontends.set(id, { portKey, place, socket });
    if (this.#thread === undefined) this.#start();
    else this.#send({ type: 'open', id, portKey, place, fd: socket.fd });
    return id;
  }

  /** Stops listening; resolves when the socket is closed. Connections go on unless `drop`ped. */
  close(id: number, drop: boolean): Promise<void> {
    const frontend = this.#frontends.get(id);
    if (frontend === undefined) return Promise.resolve();
    this.#frontends.delete(id);
    return new Promise((resolve) => {
      this.#closing.set(id, () => {
        this.#closing.delete(id);
        close(frontend.socket.fd);
        resolve();
      });
      this.#send({ type: 'close', id, drop });
    });
  }

  stats(): UserspaceProxyStats {
    const values = new Float64Array(this.#metrics);
    const entries = Object.entries(PROXY_METRIC).map(([name, index]) => [name, values[index] ?? 0]);
    return Object.fromEntries(entries) as UserspaceProxyStats;
  }

  /** Ends the thread, connections included. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#thread?.stop({ type: 'stop' });
    for (const closed of [...this.#closing.values()]) closed();
    for (const { socket } of this.#frontends.values()) close(socket.fd);
    this.#frontends.clear();
  }
}
