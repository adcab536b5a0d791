import { BackendMemory, EndpointMemory, LimitMemory } from '@fairlead/balance';
import {
  type Acceptor,
  type Connection,
  type ListeningSocket,
  NO_HANDLER,
  type ProxyAcceptPolicy,
  type Reactor,
} from '../reactor/reactor.ts';
import { openThreadReactor, type ThreadReactor } from '../reactor/thread-reactor.ts';
import type { TlsAcceptPolicy } from '../reactor/tls-transport.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { collectGarbage } from '../sys/memory.ts';
import { residentBytes } from '../sys/resident-bytes.ts';
import { tlsContexts } from '../sys/tls-contexts.ts';
import { AccessLog } from './access-log/access-log.ts';
import { DEFAULT_ACCESS_LOG_RULES } from './access-log/access-log-rules.ts';
import { ClientConnection } from './client-connection.ts';
import { clientIdentity, TrustedProxies } from './client-identity.ts';
import { WorkerGate } from './connection-gate.ts';
import { EndpointRegistry } from './endpoint-runtime.ts';
import { FetchedKeys } from './filters/jwt/fetched-keys.ts';
import { askingServices, Questions } from './filters/questions.ts';
import { RateTable } from './filters/rate-table.ts';
import { METRIC } from './gateway-metrics.ts';
import { Http2Detector } from './http2-detector.ts';
import { Http2Session } from './http2-session.ts';
import type { Http3Listener } from './http3/http3-listener.ts';
import { IdleCollector } from './idle-collector.ts';
import { L4DatagramRouter, relayConnection } from './l4/l4-relays.ts';
import { GatewayProgram } from './program.ts';
import { ProxyCore } from './proxy-core.ts';
import type { ClientIdentity } from './request-writer.ts';
import type { Frontend } from './route-lookup.ts';
import { type OfferedProtocols, type ServerCertificate, tlsPolicy } from './server-certificates.ts';
import { startSubRequest } from './sub-request.ts';
import { Tracing } from './tracing/tracing.ts';
import { Trust } from './trust.ts';
import type { DearAnswer, DearQuestion, FromWorker, ToWorker, WorkerListener, WorkerStart } from './worker-messages.ts';

/** How often the worker flushes its access log and publishes gauges. */
const HOUSEKEEPING_MS = 500;

/** Of UDP listeners; connection tracking's time for a stream. */
const DATAGRAM_IDLE_MS = 120_000;
const DATAGRAM_FLOWS_MAX = 4096;

/** By preference. */
const OFFERED_PROTOCOLS: OfferedProtocols = ['h2', 'http/1.1'];

/** One gateway worker: a reactor, a program and the messages of the main thread. */
class GatewayWorker {
  readonly #send: (message: FromWorker) => void;
  readonly #reactor: Reactor;
  readonly #core: ProxyCore;
  readonly #trust: Trust;
  readonly #listeners: Map<string, ListeningSocket> = new Map();
  /** Ends flows to endpoints that are gone, by listener. */
  readonly #datagrams: Map<string, () => void> = new Map();
  readonly #http3: Set<Http3Listener> = new Set();
  readonly #proxied: ProxyAcceptPolicy | undefined;
  readonly #gate: WorkerGate;
  readonly #collector = new IdleCollector(collectGarbage);
  readonly #questions = new Questions<DearQuestion, DearAnswer>((id, question) =>
    this.#send({ type: 'question', id, question }),
  );
  readonly #tapQueue: SharedArrayBuffer;
  readonly #keys = new FetchedKeys(systemClock, (url) => this.#send({ type: 'keys-wanted', url }));

  #zone: string;

  constructor({ reactor, data: start, send }: ThreadReactor<WorkerStart, FromWorker>) {
    this.#send = send;
    this.#zone = start.zone;
    this.#reactor = reactor;
    this.#tapQueue = start.tapQueue;
    this.#trust = new Trust(start.trust);
    this.#proxied = this.#proxyPolicy(start);
    this.#gate = new WorkerGate(start.limits, start.workers, () => {
      this.#core.metrics[METRIC.connectionsRefused]! += 1;
    });
    this.#core = new ProxyCore({
      reactor: this.#reactor,
      program: new GatewayProgram(
        {
          endpoints: new EndpointRegistry(new EndpointMemory(start.shared.endpoints, start.sharedLedger.endpoints)),
          backends: new BackendMemory(start.shared.backends, start.sharedLedger.backends),
          limits: new LimitMemory(start.shared.limits, start.sharedLedger.limits),
          clock: systemClock,
          random: systemRandom,
          zone: () => this.#zone,
          gatewayName: start.gatewayName,
        },
        {
          clock: systemClock,
          random: systemRandom,
          after: (ms, callback) => this.#reactor.after(ms, callback),
          rates: new RateTable(start.rates),
          ...askingServices(this.#questions),
          fetchedKeys: this.#keys,
          ask: (request) => startSubRequest(this.#core, request),
          count: (name) => {
            this.#core.metrics[METRIC[name]]! += 1;
          },
        },
      ),
      clock: systemClock,
      random: systemRandom,
      metrics: new Float64Array(start.metrics),
      traffic: new Float64Array(start.traffic),
      times: start.times,
      underscoreFields: start.underscoreFields,
      accessLog:
        start.accessLog === undefined
          ? undefined
          : new AccessLog(start.accessLog, {
              clock: systemClock,
              random: systemRandom,
              onDropped: () => {
                this.#core.metrics[METRIC.accessLogDropped]! += 1;
              },
              queue: start.accessLogQueue,
              write: (lines) => this.#send({ type: 'access', lines }),
            }),
      log: (level, message, fields) => this.#send({ type: 'log', level, message, fields: fields ?? {} }),
      tracing:
        start.tracing === undefined
          ? undefined
          : new Tracing(start.tracing, {
              clock: systemClock,
              random: systemRandom,
              metrics: new Float64Array(start.metrics),
              queue: start.spanQueue,
              send: (spans) => this.#send({ type: 'spans', spans }),
            }),
    });
    tlsContexts.setTicketKeys(start.ticketKeys);
    if (start.keyLogFile !== undefined) tlsContexts.setKeyLogFile?.(start.keyLogFile);
    this.#core.program.certificates.setDefault(start.defaultCertificate, start.tlsSettings);
  }

  start(): void {
    this.#send({ type: 'started' });
    this.#housekeep();
  }

  /** Frees what the end of a worker would leave that is none of its own thread. */
  discard(): void {
    this.#core.program.endpoints.closeIdle();
    this.#core.program.certificates.free();
  }

  #proxyPolicy({ proxyProtocolFrom, times }: WorkerStart): ProxyAcceptPolicy | undefined {
    if (proxyProtocolFrom.length === 0) return undefined;
    const proxies = new TrustedProxies(proxyProtocolFrom);
    return {
      trusts: (peer) => proxies.includes(peer),
      headerMs: times.handshakeMs,
      onFailed: () => {
        this.#core.metrics[METRIC.proxyHeaderFailures]! += 1;
      },
    };
  }

  /** A log of all requests, for who listens right now. */
  #newTap(): AccessLog {
    let dropped = 0;
    return new AccessLog(DEFAULT_ACCESS_LOG_RULES, {
      clock: systemClock,
      random: systemRandom,
      onDropped: () => {
        dropped += 1;
      },
      queue: this.#tapQueue,
      write: (lines) => {
        this.#send({ type: 'tapped', lines, dropped });
        dropped = 0;
      },
    });
  }

  #housekeep(): void {
    // First, so that nothing below can end it.
    this.#reactor.after(HOUSEKEEPING_MS, () => this.#housekeep());
    this.#core.accessLog?.flush();
    this.#core.tap?.flush();
    this.#core.tracing?.flush();
    this.#core.program.endpoints.review();
    const { handlerErrors, batches } = this.#reactor.stats();
    this.#core.metrics[METRIC.handlerErrors] = handlerErrors;
    const resident = residentBytes();
    if (resident !== undefined) this.#gate.noteMemory(resident);
    this.#collector.round(batches);
    if (this.#gate.isShedding) for (const client of this.#core.clients) client.drain(Infinity);
  }

  receive(message: ToWorker): void {
    if (message.type === 'apply') this.#apply(message);
    else if (message.type === 'series') this.#core.program.noteSeries(message.slots);
    else if (message.type === 'zone') {
      this.#zone = message.zone;
      this.#core.program.noteZone();
    } else if (message.type === 'tickets') tlsContexts.setTicketKeys(message.keys);
    else if (message.type === 'default-certificate')
      this.#core.program.certificates.replaceDefault(message.identity, this.#core.log);
    else if (message.type === 'answer') this.#questions.answer(message.id, message.answer);
    else if (message.type === 'keys') this.#keys.take(message.url, message.jwks);
    else if (message.type === 'tap') this.#core.tap = message.isOn ? this.#newTap() : undefined;
    else if (message.type === 'staple')
      this.#core.program.certificates.setStaple(message.certificate, message.response);
    else this.#drain(message.drainMs);
  }

  #apply(message: Extract<ToWorker, { type: 'apply' }>): void {
    try {
      this.#core.program.apply(message.diff);
      for (const name of message.unlisten) {
        for (const part of [name, `${name}/quic`]) {
          this.#listeners.get(part)?.stop();
          this.#listeners.delete(part);
        }
        this.#datagrams.delete(name);
      }
      for (const listener of message.listen) this.#listen(listener);
      for (const review of this.#datagrams.values()) review();
      this.#reactor.whenListening((failure) => {
        if (failure === undefined) this.#send({ type: 'applied', id: message.id });
        else this.#send({ type: 'rejected', id: message.id, message: failure });
      });
    } catch (error) {
      this.#send({ type: 'rejected', id: message.id, message: (error as Error).message });
    }
  }

  #listen(listener: WorkerListener): void {
    const { protocol } = listener;
    if (protocol === 'udp') this.#listenDatagrams(listener);
    else if (protocol === 'tcp') this.#listenTcp(listener);
    else this.#listenHttp(listener, protocol === 'http' ? 'http' : 'https');
  }

  #listenDatagrams({ name, socket }: WorkerListener): void {
    const routes = this.#core.program.l4RoutesOf(name);
    const router = new L4DatagramRouter(this.#core, routes);
    const idleMs = routes.find(undefined)?.idleMs ?? DATAGRAM_IDLE_MS;
    const relay = this.#reactor.relayDatagrams(socket, router, { idleMs, flowsMax: DATAGRAM_FLOWS_MAX });
    this.#listeners.set(name, relay);
    this.#datagrams.set(name, () => relay.review((address) => router.keeps(address)));
  }

  #listenTcp({ name, socket }: WorkerListener): void {
    const core = this.#core;
    const routes = core.program.l4RoutesOf(name);
    const accept: Acceptor = (connection, peer, proxied) => {
      const route = routes.find(undefined);
      if (route !== undefined) return relayConnection(core, route, connection, peer, proxied);
      connection.reset();
      return NO_HANDLER;
    };
    this.#listeners.set(name, this.#reactor.listen(socket, accept, { proxied: this.#proxied, gate: this.#gate }));
  }

  #listenHttp(listener: WorkerListener, scheme: 'http' | 'https'): void {
    const core = this.#core;
    const frontend: Frontend = {
      hosts: core.program.hostsOf(listener.name),
      certificates: core.program.certificates,
      scheme,
      port: listener.port,
      altSvc:
        listener.quicSocket === undefined || http3 === undefined
          ? undefined
          : Buffer.from(`alt-svc: h3=":${listener.port}"; ma=86400\r\n`, 'latin1'),
    };
    const accept: Acceptor = (connection, peer, proxied) => {
      const certificate = connection.tls?.choice as ServerCertificate | undefined;
      const identity = clientIdentity(
        peer,
        this.#trust,
        frontend,
        certificate,
        () => proxied?.destination ?? connection.destination(),
      );
      const newClient = (carrier: Connection): ClientConnection =>
        new ClientConnection(core, carrier, frontend, identity);
      const startHttp2 = (): Http2Session => new Http2Session(core, core.http2, connection, newClient);
      if (connection.tls?.alpn === 'h2') return startHttp2();
      const client = newClient(connection);
      return connection.tls === undefined ? new Http2Detector(this.#reactor, connection, client, startHttp2) : client;
    };
    const tls = scheme === 'https' ? this.#tls(listener) : undefined;
    this.#listeners.set(
      listener.name,
      this.#reactor.listen(listener.socket, accept, { tls, proxied: this.#proxied, gate: this.#gate }),
    );
    this.#listenHttp3(listener, frontend);
  }

  #listenHttp3({ name, quicSocket }: WorkerListener, frontend: Frontend): void {
    if (quicSocket === undefined || http3 === undefined) return;
    const core = this.#core;
    const routes = core.program.l4RoutesOf(name);
    const listener = http3.listenHttp3({
      core,
      fd: quicSocket,
      gate: this.#gate,
      isRelayed: (serverName) => routes.find(serverName) !== undefined,
      clientsOf: (peer, certificate) => {
        let identity: ClientIdentity | undefined;
        return (carrier) => {
          identity ??= clientIdentity(peer, this.#trust, frontend, certificate(), () => undefined);
          return new ClientConnection(core, carrier, frontend, identity);
        };
      },
      onHandshake: (isDone) => {
        core.metrics[isDone ? METRIC.tlsHandshakes : METRIC.tlsFailures]! += 1;
      },
    });
    this.#http3.add(listener);
    this.#listeners.set(`${name}/quic`, listener);
  }

  /** Handshakes of a server name with a relayed route go on as they came; the others are ours, if any are. */
  #tls({ name, protocol }: WorkerListener): TlsAcceptPolicy {
    const core = this.#core;
    const routes = core.program.l4RoutesOf(name);
    const own = this.#ownTls();
    return {
      ...own,
      choose: (hello) => {
        const route = routes.find(hello.serverName);
        if (route === undefined) return protocol === 'https' ? own.choose(hello) : undefined;
        return { accept: (connection, peer, proxied) => relayConnection(core, route, connection, peer, proxied) };
      },
    };
  }

  #ownTls(): TlsAcceptPolicy {
    const { metrics, program, times } = this.#core;
    return tlsPolicy(program.certificates, OFFERED_PROTOCOLS, times.handshakeMs, {
      established(isResumed) {
        metrics[isResumed ? METRIC.tlsResumed : METRIC.tlsHandshakes]! += 1;
      },
      failed() {
        metrics[METRIC.tlsFailures]! += 1;
      },
    });
  }

  /** Accepts what already waits, ends idle connections, lets the others finish, then leaves the loop. */
  #drain(drainMs: number): void {
    const core = this.#core;
    core.draining = true;
    for (const listener of this.#listeners.values()) listener.stop();
    this.#listeners.clear();
    const endMs = this.#reactor.nowMs + drainMs;
    const check = (): void => {
      // One that did something a moment ago may have its next request, or its first, on the way.
      for (const client of core.clients) client.drain(this.#reactor.nowMs - core.times.drainIdleMs);
      for (const session of core.http2.sessions) session.drain();
      for (const listener of this.#http3) if (listener.drain() === 0) this.#http3.delete(listener);
      const isEmpty = this.#reactor.stats().openConnections === 0 && this.#http3.size === 0;
      if (!isEmpty && this.#reactor.nowMs < endMs) {
        this.#core.program.endpoints.closeIdle();
        this.#reactor.after(20, check);
      } else {
        core.accessLog?.flush();
        core.tap?.flush();
        core.tracing?.flush();
        this.#reactor.stop();
      }
    };
    this.#reactor.after(drainMs, () => {
      for (const relay of core.relays) relay.stop();
    });
    // A connection accepted a moment ago has its request on the way.
    this.#reactor.after(Math.min(20, drainMs), check);
  }
}

let receive: (message: ToWorker) => void = () => {};
const thread = await openThreadReactor<WorkerStart, ToWorker, FromWorker>(
  (message) => receive(message),
  (send) => (level, message, fields) => send({ type: 'log', level, message, fields: fields ?? {} }),
);
/** Loaded only where it is asked for: its functions are a part of OpenSSL that nothing else needs. */
const http3 = thread.data.http3 ? await import('./http3/http3-listener.ts') : undefined;
const worker = new GatewayWorker(thread);
receive = (message) => worker.receive(message);
if (thread.data.warmsUp) {
  const { warmUp, warmUpStart } = await import('./warm-up.ts');
  const own = new GatewayWorker({ ...thread, data: warmUpStart(thread.data), send: () => {} });
  warmUp(thread.reactor, own, () => worker.start());
} else worker.start();
await thread.run();
