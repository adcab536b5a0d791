import {
  type Acceptor,
  type ConnectionHandler,
  NO_HANDLER,
  type Reactor,
  type SocketConnection,
} from '../reactor/reactor.ts';
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { bind, close, listen, localAddress, socket } from '../sys/socket.ts';
import { EncodedAddress, type SocketAddress } from '../sys/socket-address.ts';
import { tlsContexts } from '../sys/tls-contexts.ts';
import { createMetricsMemory } from './gateway-metrics.ts';
import type { WorkerDiff } from './host-changes.ts';
import { createSharedState } from './shared-memory.ts';
import { createTrafficMemory } from './traffic/traffic-memory.ts';
import type { ToWorker, WorkerListener, WorkerStart } from './worker-messages.ts';

/** Requests after which the engine has compiled what they run through. */
const REQUESTS = 2000;
/** On a machine that is busy enough the real requests have to do it. */
const DURATION_MAX_MS = 1500;
/** Connections of its own clients at a time, and how many of them are TLS. */
const CLIENTS = 8;
const TLS_CLIENTS = 2;
/** Requests on a connection of a client. */
const REQUESTS_PER_CONNECTION = 100;

const GET = Buffer.from(
  'GET /warm/up?a=1 HTTP/1.1\r\nHost: warm-up.invalid\r\nUser-Agent: warm-up\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n',
);
const POST = Buffer.from(
  `POST /warm/up HTTP/1.1\r\nHost: warm-up.invalid\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n${'x'.repeat(64)}`,
);
/** One in so many requests has content. */
const POST_EVERY = 8;
const BODY = 'x'.repeat(100);
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nServer: warm-up\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\nConnection: keep-alive\r\n\r\n${BODY}`,
);
const BODY_END = Buffer.from(`\r\n\r\n${BODY}`);

/** A gateway worker as this sees it: one of its own, with a program and counts of its own, on the reactor of the thread. */
export interface WarmUpWorker {
  receive(message: ToWorker): void;
  /** Frees what its end would leave. */
  discard(): void;
}

/** What a worker of its own starts with: as the real one, and nothing that anybody else sees. */
export function warmUpStart(start: WorkerStart): WorkerStart {
  return {
    ...start,
    metrics: createMetricsMemory(),
    traffic: createTrafficMemory(),
    shared: createSharedState(),
    sharedLedger: createSharedState(),
    accessLogQueue: new SharedArrayBuffer(4),
    tapQueue: new SharedArrayBuffer(4),
    spanQueue: new SharedArrayBuffer(4),
    proxyProtocolFrom: [],
    http3: false,
    keyLogFile: undefined,
    warmsUp: false,
  };
}

/**
 * Sends requests through a worker that nobody else knows, from clients of its own to an endpoint of its own, all on this
 * thread and over the loopback: a new worker's code is compiled then, when the first real request comes. Interpreted,
 * each of the first thousands would take several times as long, while the clients of the worker before come over.
 * `done` follows in any case, soon where the loopback cannot be used.
 */
export function warmUp(reactor: Reactor, worker: WarmUpWorker, done: () => void): void {
  new WarmUp(reactor, worker, done).start();
}

class WarmUp {
  readonly #reactor: Reactor;
  readonly #worker: WarmUpWorker;
  readonly #done: () => void;
  readonly #sockets: number[] = [];
  readonly #connections: Set<SocketConnection> = new Set();
  readonly #tls = tlsContexts.client({ verify: 'off' });
  #stopEndpoint: () => void = () => {};
  #cancelTimer: () => void = () => {};
  #left = REQUESTS;
  #isOver = false;

  constructor(reactor: Reactor, worker: WarmUpWorker, done: () => void) {
    this.#reactor = reactor;
    this.#worker = worker;
    this.#done = done;
  }

  start(): void {
    const [http, https, endpoint] = [this.#listen(), this.#listen(), this.#listen()];
    if (http === undefined || https === undefined || endpoint === undefined) {
      this.#end();
      return;
    }
    this.#cancelTimer = this.#reactor.after(DURATION_MAX_MS, () => this.#end());
    const listening = this.#reactor.listen(endpoint.fd, this.#acceptor());
    this.#stopEndpoint = () => listening.stop();
    const listener = (name: 'http' | 'https', { fd, address }: BoundLoopback): WorkerListener => ({
      name,
      protocol: name,
      port: address.port,
      socket: fd,
      quicSocket: undefined,
    });
    this.#tell(tableFor(endpoint.address), [listener('http', http), listener('https', https)], []);
    for (let client = 0; client < CLIENTS; client++)
      this.#openClient(client < TLS_CLIENTS ? https : http, client < TLS_CLIENTS);
  }

  #tell(diff: WorkerDiff, listeners: readonly WorkerListener[], unlisten: readonly string[]): void {
    this.#worker.receive({ type: 'apply', id: 0, diff, listen: listeners, unlisten });
  }

  /** Undefined where there is no loopback. */
  #listen(): BoundLoopback | undefined {
    const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0) return undefined;
    this.#sockets.push(fd);
    if (bind(fd, { family: 'ipv4', address: '127.0.0.1', port: 0 }) < 0 || listen(fd, CLIENTS) < 0) return undefined;
    const address = localAddress(fd);
    return address === undefined ? undefined : { fd, address };
  }

  /** The endpoint: answers each request once it is whole, which one with content shows by its last byte. */
  #acceptor(): Acceptor {
    const { input } = this.#reactor;
    return (connection) => {
      this.#connections.add(connection);
      return {
        ...NO_HANDLER,
        onData: (start, end) => {
          const last = input.bytes[start] === POST[0] ? POST : GET;
          if (input.bytes[end - 1] === last.at(-1)) connection.writeBytes(ANSWER);
          else connection.retain(start, end);
        },
        onEnd: () => this.#close(connection),
        onFailed: () => this.#connections.delete(connection),
      };
    };
  }

  #openClient(at: BoundLoopback, isTls: boolean): void {
    if (this.#isOver) return;
    let sent = 0;
    const ask = (): void => {
      if (this.#left-- <= 0) this.#end();
      else if (sent++ < REQUESTS_PER_CONNECTION) connection.writeBytes(sent % POST_EVERY === 0 ? POST : GET);
      else {
        this.#close(connection);
        this.#openClient(at, isTls);
      }
    };
    const handler: ConnectionHandler = {
      ...NO_HANDLER,
      onConnected: ask,
      onData: (start, end) => {
        const { bytes } = this.#reactor.input;
        if (bytes.subarray(end - BODY_END.length, end).equals(BODY_END)) ask();
        else connection.retain(start, end);
      },
      // Whatever it is, there is nothing to learn from it.
      onEnd: () => this.#end(),
      onFailed: () => this.#end(),
    };
    const tls =
      this.#tls.ok && isTls ? { context: this.#tls.context, serverName: undefined, verifyName: undefined } : undefined;
    const connection = this.#reactor.connect(new EncodedAddress(at.address), handler, tls);
    this.#connections.add(connection);
  }

  #close(connection: SocketConnection): void {
    this.#connections.delete(connection);
    connection.close();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#stopEndpoint();
    this.#tell(NOTHING, [], ['http', 'https']);
    for (const connection of [...this.#connections]) this.#close(connection);
    // Not before its last connections have learnt of their ends.
    this.#reactor.after(0, () => {
      for (const fd of this.#sockets) close(fd);
      if (this.#tls.ok) this.#tls.context.free();
      this.#worker.discard();
      this.#done();
    });
  }
}

interface BoundLoopback {
  readonly fd: number;
  readonly address: SocketAddress;
}

const BACKEND = 'warm-up/warm-up:80';
const NOTHING: WorkerDiff = { listeners: [], hosts: [], certificates: [], backends: [[BACKEND, undefined]] };

/** Routes with what most real ones have. */
function tableFor({ address, port }: SocketAddress): WorkerDiff {
  const hosts = (['http', 'https'] as const).map(
    (listener) =>
      [
        `${listener}|*`,
        {
          listener,
          hostname: '*',
          routes: ['/other', '/'].map((value) => ({
            source: { kind: 'Ingress', namespace: 'warm-up', name: 'warm-up', field: 'spec' },
            match: { path: { type: 'prefix' as const, value }, headers: [], query: [] },
            action: { type: 'forward' as const, backends: [{ backend: BACKEND, weight: 1 }] },
            timeouts: { requestMs: 'off' as const, connectMs: 5000, idleMs: 60_000 },
          })),
        },
      ] as const,
  );
  const backend = {
    key: BACKEND,
    protocol: 'http1' as const,
    balance: 'round-robin' as const,
    endpoints: [{ address, port, weight: 1 }],
  };
  return { listeners: [], hosts, certificates: [], backends: [[BACKEND, backend]] };
}
