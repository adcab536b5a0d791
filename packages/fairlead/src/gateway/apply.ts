import type { RouteCredentials, RoutePages } from '../routing/route-filters.ts';
import type {
  L4Route,
  RouteBackend,
  RouteCertificate,
  RouteListener,
  RouteTable,
  RouteTableDiff,
  VirtualHost,
} from '../routing/route-table.ts';
import type { Log } from '../sys/role.ts';
import { GatewayError } from './gateway-error.ts';
import type { WorkerDiff } from './host-changes.ts';
import { type ListenerSockets, openListener } from './listener-opener.ts';
import type { WorkerHandle } from './worker-handle.ts';
import type { WorkerListener } from './worker-messages.ts';

/** The table that the workers run, kept by the main thread to fill new workers. */
export class InstalledTable {
  readonly #listeners: Map<string, RouteListener> = new Map();
  readonly #hosts: Map<string, VirtualHost> = new Map();
  readonly #backends: Map<string, RouteBackend> = new Map();
  readonly #certificates: Map<string, RouteCertificate> = new Map();
  readonly #l4: Map<string, L4Route> = new Map();
  readonly #credentials: Map<string, RouteCredentials> = new Map();
  readonly #pages: Map<string, RoutePages> = new Map();

  /** A host by its key. */
  host(key: string): VirtualHost | undefined {
    return this.#hosts.get(key);
  }

  get table(): RouteTable {
    return {
      listeners: this.#listeners,
      hosts: this.#hosts,
      backends: this.#backends,
      certificates: this.#certificates,
      l4: this.#l4,
      credentials: this.#credentials,
      pages: this.#pages,
    };
  }

  note(diff: RouteTableDiff): void {
    noteEntries(this.#listeners, diff.listeners);
    noteEntries(this.#hosts, diff.hosts);
    noteEntries(this.#backends, diff.backends);
    noteEntries(this.#certificates, diff.certificates);
    noteEntries(this.#l4, diff.l4 ?? []);
    noteEntries(this.#credentials, diff.credentials ?? []);
    noteEntries(this.#pages, diff.pages ?? []);
  }

  /** Everything as additions. */
  asDiff(): RouteTableDiff {
    return {
      listeners: [...this.#listeners],
      hosts: [...this.#hosts],
      backends: [...this.#backends],
      certificates: [...this.#certificates],
      l4: [...this.#l4],
      credentials: [...this.#credentials],
      pages: [...this.#pages],
    };
  }
}

function noteEntries<V>(map: Map<string, V>, entries: readonly (readonly [string, V | undefined])[]): void {
  for (const [key, value] of entries) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
}

/** Opens and closes listeners as the table says. Main thread only. */
export class ListenerSet {
  readonly #open: Map<string, ListenerSockets> = new Map();
  readonly #workers: number;

  constructor(workers: number) {
    this.#workers = workers;
  }

  values(): readonly ListenerSockets[] {
    return [...this.#open.values()];
  }

  /** What worker `index` listens on. */
  forWorker(index: number, open: readonly ListenerSockets[] = this.values()): WorkerListener[] {
    return open.map(({ listener, port, sockets, quicSockets }) => ({
      name: listener.name,
      protocol: listener.protocol,
      port,
      socket: sockets[index]!,
      quicSocket: quicSockets[index],
    }));
  }

  /**
   * Opens what the diff adds. Returns the new sockets and the ones it replaced or removed, which
   * {@link close} ends once the workers let go. After an error nothing has changed.
   * @throws GatewayError
   */
  async update(
    diff: Pick<RouteTableDiff, 'listeners'>,
  ): Promise<{ readonly opened: ListenerSockets[]; readonly closed: ListenerSockets[] }> {
    const opened: ListenerSockets[] = [];
    const closed: ListenerSockets[] = [];
    try {
      for (const [name, listener] of diff.listeners) {
        const present = this.#open.get(name);
        if (listener !== undefined && present !== undefined && isSame(present.listener, listener)) continue;
        if (present !== undefined) closed.push(present);
        if (listener !== undefined) opened.push(await openListener(listener, this.#workers));
      }
    } catch (error) {
      this.close(opened);
      throw error;
    }
    for (const { listener } of closed) this.#open.delete(listener.name);
    for (const sockets of opened) this.#open.set(sockets.listener.name, sockets);
    return { opened, closed };
  }

  close(sockets: readonly ListenerSockets[]): void {
    for (const entry of sockets) entry.close();
  }

  closeAll(): void {
    this.close(this.values());
    this.#open.clear();
  }
}

function isSame(left: RouteListener, right: RouteListener): boolean {
  const isSameKind = left.protocol === right.protocol && (left.http3 ?? false) === (right.http3 ?? false);
  return isSameKind && left.address === right.address && left.port === right.port;
}

/**
 * Installs a difference everywhere: listeners here, routes in each worker. Resolves when every
 * worker has acknowledged it, and rejects when each has said yes or no and one said no.
 */
export async function applyDiff(
  diff: WorkerDiff,
  listeners: ListenerSet,
  workers: readonly WorkerHandle[],
  log: Log,
): Promise<void> {
  const { opened, closed } = await listeners.update(diff);
  const unlisten = closed.map(({ listener }) => listener.name);
  try {
    const results = await Promise.allSettled(
      workers.map((worker) =>
        worker.apply(diff, worker.isDraining ? [] : listeners.forWorker(worker.index, opened), unlisten),
      ),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    // That a worker has ended says nothing of the difference.
    const failure = failures.find((each) => !(each instanceof GatewayError) || each.code !== 'stopped') ?? failures[0];
    if (failure !== undefined) throw failure;
  } finally {
    listeners.close(closed);
  }
  for (const { listener, port } of opened) log('info', 'listening', { listener: listener.name, port });
}
