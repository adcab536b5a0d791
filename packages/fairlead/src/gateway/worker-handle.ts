import { ReactorThread } from '../reactor/reactor-thread.ts';
import { passwordCrypt } from '../sys/password-crypt.ts';
import type { Log } from '../sys/role.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import { inflateSoon } from '../sys/whole-content.ts';
import type { Span } from '../telemetry/span.ts';
import type { AccessLogRules } from './access-log/access-log-rules.ts';
import type { ConnectionLimits } from './connection-gate.ts';
import { isSignedSoon } from './filters/jwt/signature.ts';
import { isSame } from './filters/password-hash.ts';
import { GatewayError } from './gateway-error.ts';
import { createMetricsMemory, METRIC } from './gateway-metrics.ts';
import type { WorkerDiff } from './host-changes.ts';
import type { ProxyTimes } from './proxy-core.ts';
import { createSharedState, type SharedState, settleSharedState } from './shared-memory.ts';
import type { TraceRules } from './tracing/tracing.ts';
import { createTrafficMemory } from './traffic/traffic-memory.ts';
import type { SeriesSlots } from './traffic/traffic-series.ts';
import type { TrustOptions } from './trust.ts';
import type { UnderscoreRule } from './underscore-fields.ts';
import type { DearAnswer, DearQuestion, FromWorker, ToWorker, WorkerListener, WorkerStart } from './worker-messages.ts';

/** What every worker of a gateway is started with. */
export interface WorkerOptions {
  readonly times: ProxyTimes;
  readonly underscoreFields: UnderscoreRule;
  readonly trust: TrustOptions;
  readonly proxyProtocolFrom: readonly string[];
  readonly limits: ConnectionLimits;
  readonly workers: number;
  readonly http3: boolean;
  readonly accessLog: ((lines: string) => void | Promise<void>) | undefined;
  readonly accessLogRules: AccessLogRules;
  readonly accessLogQueue: SharedArrayBuffer;
  /** Lines for who listens right now, and how many more there was no room for. */
  readonly onTapped: (lines: string, dropped: number) => void;
  readonly tapQueue: SharedArrayBuffer;
  readonly tracing: TracingOptions | undefined;
  readonly spanQueue: SharedArrayBuffer;
  readonly log: Log;
  /** As it is when the worker starts; {@link WorkerHandle.setDefaultCertificate} changes it. */
  readonly defaultCertificate: () => TlsIdentity;
  readonly tlsSettings: TlsSettings;
  readonly keyLogFile: string | undefined;
  readonly shared: SharedState;
  readonly rates: SharedArrayBuffer;
  /** As it is when the worker starts; {@link WorkerHandle.setZone} changes it. */
  readonly zone: () => string;
  /** A worker wants newer keys of tokens; {@link WorkerHandle.setKeys} shall follow. */
  readonly onKeysWanted: (url: string) => void;
  readonly gatewayName: string;
  readonly ticketKeys: () => readonly Uint8Array[];
  /** Module that runs in the thread. */
  readonly module: URL;
}

/** How requests are traced, and who takes the spans. */
export interface TracingOptions extends TraceRules {
  readonly take: (spans: readonly Span[]) => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread as the main thread sees it. */
export class WorkerHandle {
  readonly index: number;
  readonly metrics: SharedArrayBuffer;
  /** Its counts by route and backend. */
  readonly traffic: SharedArrayBuffer = createTrafficMemory();
  /** Settles when the thread has ended: true if it was asked to. */
  readonly ended: Promise<boolean>;
  readonly #thread: ReactorThread<WorkerStart, ToWorker, FromWorker>;
  readonly #sharedLedger: SharedState = createSharedState();
  readonly #waiting: Map<number, Waiting> = new Map();
  readonly #options: WorkerOptions;
  #nextId = 1;
  #gone = false;
  #isDraining = false;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();

  /**
   * @param metrics of the worker it replaces, so that counters go on.
   * @param warmsUp see `WorkerStart`.
   */
  constructor(
    index: number,
    options: WorkerOptions,
    metrics: SharedArrayBuffer = createMetricsMemory(),
    warmsUp: boolean = false,
  ) {
    this.index = index;
    this.metrics = metrics;
    this.#options = options;
    const data: WorkerStart = {
      metrics,
      traffic: this.traffic,
      times: options.times,
      underscoreFields: options.underscoreFields,
      accessLog: options.accessLog === undefined ? undefined : options.accessLogRules,
      accessLogQueue: options.accessLogQueue,
      tapQueue: options.tapQueue,
      tracing: options.tracing === undefined ? undefined : { share: options.tracing.share, b3: options.tracing.b3 },
      spanQueue: options.spanQueue,
      trust: options.trust,
      proxyProtocolFrom: options.proxyProtocolFrom,
      limits: options.limits,
      workers: options.workers,
      http3: options.http3,
      defaultCertificate: options.defaultCertificate(),
      tlsSettings: options.tlsSettings,
      keyLogFile: options.keyLogFile,
      shared: options.shared,
      rates: options.rates,
      sharedLedger: this.#sharedLedger,
      zone: options.zone(),
      gatewayName: options.gatewayName,
      ticketKeys: options.ticketKeys(),
      warmsUp,
    };
    this.#thread = new ReactorThread<WorkerStart, ToWorker, FromWorker>({
      module: options.module,
      name: 'gateway worker',
      data,
      log: (level, message, fields) => options.log(level, message, { worker: index, ...fields }),
      onMessage: (message) => this.#receive(message),
    });
    // Nobody may be waiting for it.
    this.#started.promise.catch(() => {});
    this.ended = this.#thread.ended.then((asked) => {
      this.#cleanUp();
      return asked;
    });
  }

  /** The thread has ended: nobody answers any more, and what it counted is taken back. */
  #cleanUp(): void {
    this.#gone = true;
    settleSharedState(this.#options.shared, this.#sharedLedger);
    const gauges = new Float64Array(this.metrics);
    gauges[METRIC.connectionsOpen] = 0;
    gauges[METRIC.requestsInFlight] = 0;
    const error = new GatewayError('stopped', `gateway worker ${this.index} ended`);
    this.#started.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'started':
        this.#started.resolve();
        return;
      case 'applied':
        this.#settle(message.id)?.resolve();
        return;
      case 'rejected':
        this.#settle(message.id)?.reject(new GatewayError('rejected', message.message));
        return;
      case 'log':
        this.#options.log(message.level, message.message, { worker: this.index, ...message.fields });
        return;
      case 'access':
        void this.#writeLines(message.lines);
        return;
      case 'tapped':
        Atomics.sub(new Int32Array(this.#options.tapQueue), 0, message.lines.length);
        this.#options.onTapped(message.lines, message.dropped);
        return;
      case 'spans':
        Atomics.sub(new Int32Array(this.#options.spanQueue), 0, message.spans.length);
        this.#options.tracing?.take(message.spans);
        return;
      case 'question':
        void this.#answer(message.id, message.question);
        return;
      case 'keys-wanted':
        this.#options.onKeysWanted(message.url);
    }
  }

  /** Lines count as on their way until they are written. */
  async #writeLines(lines: string): Promise<void> {
    try {
      await this.#options.accessLog?.(lines);
    } finally {
      Atomics.sub(new Int32Array(this.#options.accessLogQueue), 0, lines.length);
    }
  }

  async #answer(id: number, question: DearQuestion): Promise<void> {
    this.#thread.send({ type: 'answer', id, answer: await findOut(question) });
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Installs a difference; resolves when the worker runs it. */
  apply(diff: WorkerDiff, listen: readonly WorkerListener[], unlisten: readonly string[]): Promise<void> {
    if (this.#gone) return Promise.reject(new GatewayError('stopped', `gateway worker ${this.index} ended`));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.set(id, { resolve, reject });
    this.#thread.send({ type: 'apply', id, diff, listen, unlisten });
    return promise;
  }

  /** Tells where requests of routes to come are counted. */
  setSeries(slots: SeriesSlots): void {
    this.#thread.send({ type: 'series', slots });
  }

  /** Hands over keys of tokens, or that there are none. */
  setKeys(url: string, jwks: string | undefined): void {
    this.#thread.send({ type: 'keys', url, jwks });
  }

  /** Zone of the gateway from now on. */
  setZone(zone: string): void {
    this.#thread.send({ type: 'zone', zone });
  }

  /** What a certificate staples from now on. */
  setStaple(certificate: string, response: Uint8Array | undefined): void {
    this.#thread.send({ type: 'staple', certificate, response });
  }

  /** Whether requests are told to {@link WorkerOptions.onTapped}. */
  setTap(isOn: boolean): void {
    this.#thread.send({ type: 'tap', isOn });
  }

  /** Replaces the session ticket keys. */
  setTicketKeys(keys: readonly Uint8Array[]): void {
    this.#thread.send({ type: 'tickets', keys });
  }

  /** Replaces what clients are shown that ask for no host with a certificate of its own. */
  setDefaultCertificate(identity: TlsIdentity): void {
    this.#thread.send({ type: 'default-certificate', identity });
  }

  /** Resolves when the thread is there for messages; rejects when it ends before. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** It accepts no more, and ends with its requests. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Ends the worker after its requests, at the latest after `drainMs`. */
  async stop(drainMs: number): Promise<void> {
    this.#isDraining = true;
    await this.#thread.stop({ type: 'drain', drainMs });
    await this.ended;
  }
}

/** On the thread pool of the process. */
async function findOut(question: DearQuestion): Promise<DearAnswer> {
  if (question.type === 'inflate') return inflateSoon(question.coding, question.content, question.maxBytes);
  if (question.type === 'signature') return isSignedSoon(question);
  const computed = await passwordCrypt()(question.password, question.hash);
  return computed === undefined ? undefined : isSame(computed, question.hash);
}
