import { hostname } from 'node:os';
import { BackendMemory, EndpointMemory } from '@fairlead/balance';
import type { RouteListener, RouteTableDiff } from '../routing/route-table.ts';
import { systemRandom } from '../sys/clock.ts';
import { engine, sharesPorts } from '../sys/engine-kind.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';
import { DEFAULT_ACCESS_LOG_RULES } from './access-log/access-log-rules.ts';
import { applyDiff, InstalledTable, ListenerSet } from './apply.ts';
import { type BackendLoad, BackendLoads } from './backend-loads.ts';
import { DEFAULT_CONNECTION_LIMITS } from './connection-gate.ts';
import { createRateMemory } from './filters/rate-table.ts';
import { GatewayError } from './gateway-error.ts';
import type { GatewayStats } from './gateway-metrics.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { HealthChecker } from './health/health-checker.ts';
import { OutlierIntervals } from './health/outlier-intervals.ts';
import { HostChanges } from './host-changes.ts';
import { type KeptSecrets, readKeptSecrets, writeKeptSecrets } from './kept-secrets.ts';
import { downloadKeys } from './key-download.ts';
import { DEFAULT_KEY_TIMES, KeyFetcher } from './key-fetcher.ts';
import { DEFAULT_PROXY_TIMES } from './proxy-core.ts';
import { selfSignedIdentity } from './self-signed.ts';
import { createSharedState } from './shared-memory.ts';
import { askResponder } from './stapling/ask-responder.ts';
import { RevocationWatch } from './stapling/revocation-watch.ts';
import { Stapler } from './stapling/stapler.ts';
import { TicketKeyRing } from './ticket-keys.ts';
import { type RouteTraffic, TrafficSeries } from './traffic/traffic-series.ts';
import { NO_TRUST } from './trust.ts';
import { WorkerCrew } from './worker-crew.ts';
import { WorkerHandle, type WorkerOptions } from './worker-handle.ts';

export type { GatewayOptions } from './gateway-options.ts';

/** Pause before a worker that failed is replaced again. */
const RESTART_MS = 100;

/** For the keys of tokens, from a server that may be far away. */
const KEYS_TIMEOUT_MS = 10_000;

/** An address that the gateway serves. */
export interface ListenerAddress {
  readonly name: string;
  readonly protocol: RouteListener['protocol'];
  readonly address: string;
  readonly port: number;
}

/** What several gateways may share, so that clients may go to any of them. */
export type GatewaySecrets = KeptSecrets & { readonly identity: TlsIdentity };

/** A gateway in operation. */
export interface RunningGateway {
  /**
   * Installs a difference. Resolves when every worker runs it. Rejects with a {@link GatewayError}
   * (port in use, not permitted, a route that cannot be compiled); the previous program goes on.
   */
  applyRoutes(diff: RouteTableDiff): Promise<void>;
  /** Says in which zone this gateway is (empty: nobody knows), where that becomes known or changes later. */
  setZone(zone: string): void;
  /** What it shows to clients that ask for no host with a certificate of its own, from the next handshake on; undefined: its own again. */
  setDefaultCertificate(identity: TlsIdentity | undefined): void;
  /** Its own default certificate and its ticket keys. */
  secrets(): GatewaySecrets;
  /** Goes on with what several gateways share: new tickets are those of the shared keys, old ones of its own are still read. */
  adoptSecrets(shared: KeptSecrets): void;
  listeners(): readonly ListenerAddress[];
  stats(): GatewayStats;
  /** Tells of every request from now on, as lines of the access log in JSON, until the returned function is called. */
  tap(take: (lines: string, dropped: number) => void): () => void;
  /** Requests by route and Service port; only those that were asked for. */
  routeTraffic(): readonly RouteTraffic[];
  /** Requests by Service port. */
  backendLoads(): readonly BackendLoad[];
  /**
   * Puts a new thread in the place of each worker, one after the other: the new one accepts on the
   * same sockets before the old one stops to, so no connection is refused. Requests of the old one may
   * end, at the latest after `drainMs`.
   */
  replaceWorkers(options: { readonly drainMs: number }): Promise<void>;
  /** Stops accepting, lets requests end (at most `drainMs`), closes everything. Idempotent. */
  stop(options: { readonly drainMs: number }): Promise<void>;
}

/** Starts the workers of a gateway, without routes and listeners. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const gateway = new Gateway(options);
  return gateway;
}

class Gateway implements RunningGateway {
  readonly #options: GatewayOptions;
  readonly #workerOptions: WorkerOptions;
  readonly #installed = new InstalledTable();
  readonly #hostChanges = new HostChanges((key) => this.#installed.host(key));
  readonly #listeners: ListenerSet;
  readonly #traffic = new TrafficSeries();
  readonly #tickets: TicketKeyRing;
  /** The default certificate, unless another one was chosen. */
  #identity: TlsIdentity;
  #chosenIdentity: TlsIdentity | undefined;
  readonly #crew = new WorkerCrew();
  readonly #health: HealthChecker;
  readonly #intervals: OutlierIntervals;
  readonly #loads: BackendLoads;
  readonly #keys: KeyFetcher;
  readonly #stapler: Stapler;
  readonly #revocation: RevocationWatch;
  /** Who listens right now. */
  #tap: ((lines: string, dropped: number) => void) | undefined = undefined;
  #zone: string;
  #ejections = 0;
  /** Diffs are applied one after the other. */
  #queue: Promise<void> = Promise.resolve();
  /** So are replacements, beside them. */
  #replacements: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined = undefined;

  constructor(options: GatewayOptions) {
    const workers = sharesPorts ? options.workers : 1;
    this.#options = options;
    this.#zone = options.zone ?? '';
    if (engine.kind === 'node') {
      options.log('warn', 'the gateway runs on node:net: it needs more CPU, and some of TLS is missing', {
        reason: engine.reason,
        workers,
      });
    }
    if (options.http3 === true && engine.kind === 'node') {
      options.log('warn', 'no HTTP/3 without FFI', { reason: engine.reason });
    }
    const { secretsFile, clock, log } = options;
    const kept = secretsFile === undefined ? undefined : readKeptSecrets(secretsFile, clock.now(), log);
    this.#identity = kept?.identity ?? selfSignedIdentity('fairlead-gateway.invalid', clock.now());
    this.#chosenIdentity = options.defaultCertificate;
    const rotated = (keys: readonly Uint8Array[]): void => {
      this.#keepSecrets();
      for (const worker of this.#crew.all()) worker.setTicketKeys(keys);
    };
    this.#tickets = new TicketKeyRing(clock, rotated, kept?.tickets);
    this.#keepSecrets();
    this.#workerOptions = {
      defaultCertificate: () => this.#chosenIdentity ?? this.#identity,
      tlsSettings: options.tlsSettings ?? {},
      keyLogFile: options.keyLogFile,
      ticketKeys: () => this.#tickets.keys(),
      onKeysWanted: (url) => this.#keys.request(url),
      shared: createSharedState(),
      rates: createRateMemory(),
      zone: () => this.#zone,
      gatewayName: options.gatewayName ?? hostname(),
      times: { ...DEFAULT_PROXY_TIMES, ...options.times },
      underscoreFields: options.underscoreFields ?? 'pass',
      trust: {
        ...NO_TRUST,
        ...(options.trustedProxies === undefined ? {} : { proxies: options.trustedProxies }),
        ...(options.trustedHops === undefined ? {} : { hops: options.trustedHops }),
        ...(options.clientField === undefined ? {} : { field: options.clientField }),
      },
      proxyProtocolFrom: options.proxyProtocolFrom ?? [],
      limits: { ...DEFAULT_CONNECTION_LIMITS, ...options.limits },
      workers,
      http3: options.http3 === true && engine.kind === 'epoll',
      accessLog: options.accessLog,
      accessLogRules: { ...DEFAULT_ACCESS_LOG_RULES, ...options.accessLogRules },
      accessLogQueue: new SharedArrayBuffer(4),
      onTapped: (lines, dropped) => this.#tap?.(lines, dropped),
      tapQueue: new SharedArrayBuffer(4),
      tracing: options.tracing && {
        ...options.tracing,
        take: (spans) => {
          this.#traffic.noteSpans(spans);
          options.tracing!.take(spans);
        },
      },
      spanQueue: new SharedArrayBuffer(4),
      log: options.log,
      module: options.workerModule ?? new URL('./worker.ts', import.meta.url),
    };
    const endpoints = new EndpointMemory(this.#workerOptions.shared.endpoints);
    const backends = new BackendMemory(this.#workerOptions.shared.backends);
    this.#health = new HealthChecker({
      endpoints,
      backends,
      clock,
      random: systemRandom,
      log,
      gatewayName: this.#workerOptions.gatewayName,
    });
    this.#intervals = new OutlierIntervals(endpoints, clock, systemRandom, (count) => {
      this.#ejections += count;
    });
    this.#loads = new BackendLoads(backends);
    this.#keys = new KeyFetcher({
      clock,
      log,
      download: options.downloadKeys ?? ((url) => downloadKeys(url, { timeoutMs: KEYS_TIMEOUT_MS })),
      times: { ...DEFAULT_KEY_TIMES, ...options.keyTimes },
      publish: (url, jwks) => {
        for (const worker of this.#crew.all()) worker.setKeys(url, jwks);
      },
    });
    const { ocsp = 'off', keyLogFile } = options;
    this.#stapler = new Stapler({
      clock,
      random: systemRandom,
      log,
      ask: ocsp === 'off' ? undefined : askResponder(ocsp),
      onStaple: (key, response) => {
        for (const worker of this.#crew.all()) worker.setStaple(key, response);
      },
    });
    this.#revocation = new RevocationWatch(clock, log);
    if (keyLogFile !== undefined) log('warn', 'the secrets of TLS sessions are written', { file: keyLogFile });
    this.#listeners = new ListenerSet(workers);
    for (let index = 0; index < workers; index++) this.#crew.place(this.#launch(index, undefined));
  }

  /** Starts a worker, which is to be filled and placed. */
  #launch(index: number, metrics: SharedArrayBuffer | undefined, warmsUp: boolean = false): WorkerHandle {
    const worker = new WorkerHandle(index, this.#workerOptions, metrics, warmsUp);
    this.#crew.join(worker);
    for (const [url, jwks] of this.#keys.known()) worker.setKeys(url, jwks);
    if (this.#tap !== undefined) worker.setTap(true);
    this.#traffic.join(worker.traffic);
    worker.setSeries(this.#traffic.all());
    void worker.ended.then((asked) => {
      this.#traffic.leave(worker.traffic);
      if (!asked && this.#stopped === undefined && this.#crew.isPlaced(worker)) this.#replace(worker);
    });
    return worker;
  }

  /** A failed worker's successor gets the whole table and the same listening sockets. */
  #replace(failed: WorkerHandle): void {
    this.#options.log('warn', 'replacing a gateway worker', { worker: failed.index });
    this.#enqueue(async () => {
      await this.#options.clock.sleep(RESTART_MS);
      if (this.#stopped !== undefined || !this.#crew.isPlaced(failed)) return;
      const worker = this.#launch(failed.index, failed.metrics);
      this.#crew.place(worker);
      await this.#fill(worker);
    }).catch((error: Error) => {
      this.#options.log('error', 'a replaced gateway worker failed at once', { error: error.message });
    });
  }

  /** Hands a new worker all there is. */
  async #fill(worker: WorkerHandle): Promise<void> {
    await worker.apply(this.#installed.asDiff(), this.#listeners.forWorker(worker.index), []);
    for (const [key, response] of this.#stapler.staples()) worker.setStaple(key, response);
  }

  replaceWorkers({ drainMs }: { readonly drainMs: number }): Promise<void> {
    const result = this.#replacements.then(async () => {
      for (let index = 0; index < this.#crew.size && this.#stopped === undefined; index++) {
        await this.#replaceAt(index, drainMs);
      }
    });
    this.#replacements = result.catch(() => {});
    return result;
  }

  /** Changes go on while the new worker starts and the old one drains; that one runs them too. */
  async #replaceAt(index: number, drainMs: number): Promise<void> {
    // Two cannot listen at a time here: there is a gap.
    if (!sharesPorts) await this.#enqueue(() => this.#crew.running()[index]!.stop(drainMs));
    const successor = this.#launch(index, undefined, engine.kind === 'epoll');
    let retired: Promise<void> = Promise.resolve();
    try {
      await successor.started;
      await this.#enqueue(async () => {
        if (this.#stopped !== undefined) return;
        await this.#fill(successor);
        const old = this.#crew.place(successor)!;
        retired = this.#crew.retire(old, drainMs);
      });
    } catch (error) {
      if (this.#stopped === undefined) throw error;
    } finally {
      if (!this.#crew.isPlaced(successor)) await this.#crew.dismiss(successor);
    }
    await retired;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  applyRoutes(diff: RouteTableDiff): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#stopped !== undefined) throw new GatewayError('stopped', 'the gateway has stopped');
      const series = this.#traffic.prepare(diff);
      if (series.slots.length > 0) for (const worker of this.#crew.all()) worker.setSeries(series.slots);
      try {
        await applyDiff(this.#hostChanges.forWorkers(diff), this.#listeners, this.#crew.running(), this.#options.log);
        this.#hostChanges.noteApplied(diff);
      } catch (error) {
        this.#hostChanges.noteFailed(diff);
        // A worker that died meanwhile is replaced and gets everything, this difference included.
        if (!(error instanceof GatewayError) || error.code !== 'stopped') {
          series.undo();
          throw error;
        }
      }
      series.commit();
      this.#installed.note(diff);
      this.#health.update(diff.backends);
      this.#intervals.update(diff.backends);
      this.#loads.update(diff.backends);
      this.#keys.update(diff.hosts);
      this.#stapler.update(diff.certificates);
      this.#revocation.update(diff.certificates);
    });
  }

  tap(take: (lines: string, dropped: number) => void): () => void {
    this.#tap = take;
    for (const worker of this.#crew.all()) worker.setTap(true);
    return () => {
      this.#tap = undefined;
      for (const worker of this.#crew.all()) worker.setTap(false);
    };
  }

  setZone(zone: string): void {
    if (zone === this.#zone) return;
    this.#zone = zone;
    for (const worker of this.#crew.all()) worker.setZone(zone);
  }

  setDefaultCertificate(identity: TlsIdentity | undefined): void {
    this.#chosenIdentity = identity;
    this.#showDefault();
  }

  secrets(): GatewaySecrets {
    return { identity: this.#identity, tickets: this.#tickets.kept() };
  }

  adoptSecrets({ identity, tickets }: KeptSecrets): void {
    if (identity !== undefined && identity.certificate !== this.#identity.certificate) {
      this.#identity = identity;
      this.#showDefault();
    }
    this.#tickets.adopt(tickets);
    this.#keepSecrets();
  }

  #showDefault(): void {
    for (const worker of this.#crew.all()) worker.setDefaultCertificate(this.#workerOptions.defaultCertificate());
  }

  #keepSecrets(): void {
    const { secretsFile, log } = this.#options;
    if (secretsFile !== undefined) writeKeptSecrets(secretsFile, this.secrets(), log);
  }

  listeners(): readonly ListenerAddress[] {
    return this.#listeners.values().map(({ listener, port }) => ({
      name: listener.name,
      protocol: listener.protocol,
      address: listener.address,
      port,
    }));
  }

  stats(): GatewayStats {
    const stats = this.#crew.stats();
    return { ...stats, ejections: stats.ejections + this.#ejections };
  }

  routeTraffic(): readonly RouteTraffic[] {
    return this.#traffic.read();
  }

  backendLoads(): readonly BackendLoad[] {
    return this.#loads.read();
  }

  stop({ drainMs }: { readonly drainMs: number }): Promise<void> {
    this.#stopped ??= (async () => {
      this.#tickets.stop();
      this.#health.stop();
      this.#keys.stop();
      this.#intervals.stop();
      this.#stapler.stop();
      this.#revocation.stop();
      await this.#crew.stop(drainMs);
      this.#listeners.closeAll();
    })();
    return this.#stopped;
  }
}
