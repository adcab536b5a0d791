import { BackendMemory, EndpointMemory, LimitMemory } from '@fairlead/balance';
import { ClientConnection } from '../../packages/fairlead/src/gateway/client-connection.ts';
import { clientIdentity } from '../../packages/fairlead/src/gateway/client-identity.ts';
import { EndpointRegistry } from '../../packages/fairlead/src/gateway/endpoint-runtime.ts';
import type { FilterServices } from '../../packages/fairlead/src/gateway/filters/filter-services.ts';
import { createMetricsMemory } from '../../packages/fairlead/src/gateway/gateway-metrics.ts';
import { Http2Session } from '../../packages/fairlead/src/gateway/http2-session.ts';
import { GatewayProgram } from '../../packages/fairlead/src/gateway/program.ts';
import { DEFAULT_PROXY_TIMES, ProxyCore } from '../../packages/fairlead/src/gateway/proxy-core.ts';
import { createSharedState } from '../../packages/fairlead/src/gateway/shared-memory.ts';
import { createTrafficMemory } from '../../packages/fairlead/src/gateway/traffic/traffic-memory.ts';
import { NO_TRUST, Trust } from '../../packages/fairlead/src/gateway/trust.ts';
import {
  type ConnectionHandler,
  INPUT_BASE,
  READ_MAX_BYTES,
  type Reactor,
  type SocketConnection,
  type TurnTask,
} from '../../packages/fairlead/src/reactor/reactor.ts';
import type { RouteTableDiff } from '../../packages/fairlead/src/routing/route-table.ts';
import { systemClock, systemRandom } from '../../packages/fairlead/src/sys/clock.ts';
import { PinnedBuffer } from '../../packages/fairlead/src/sys/pinned.ts';
import { Http2Connection } from '../../packages/fairlead/src/wire/http2/connection.ts';
import { type Http2Events, http2Scratch } from '../../packages/fairlead/src/wire/http2/events.ts';
import { FieldList } from '../../packages/fairlead/src/wire/http2/field-list.ts';
import { OutputBuffer } from '../../packages/fairlead/src/wire/http2/output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../../packages/fairlead/src/wire/http2/settings.ts';

/** Calls at a time, as many as one read brings in `--row grpc`. */
const BATCH = 10;

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** A connection whose output lies in memory. */
class MemoryConnection {
  handler: ConnectionHandler | undefined = undefined;
  readonly sent: Buffer = Buffer.alloc(256 * 1024);
  length: number = 0;
  isOpen: boolean = true;
  readonly isCongested: boolean = false;
  readonly tls: undefined = undefined;
  bytesWritten: number = 0;
  bytesRead: number = 0;

  write(from: PinnedBuffer, start: number, end: number): void {
    from.bytes.copy(this.sent, this.length, start, end);
    this.length += end - start;
  }

  writeBytes(bytes: Uint8Array): void {
    this.sent.set(bytes, this.length);
    this.length += bytes.length;
  }

  setDeadline(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
  redeliver(): void {}
  closeGracefully(): void {}

  retain(): void {
    throw new Error('nothing is read in part here');
  }
}

/** A reactor whose turns end when it is told so. */
class MemoryReactor {
  readonly input: PinnedBuffer = new PinnedBuffer(INPUT_BASE + READ_MAX_BYTES);
  readonly output: PinnedBuffer = new PinnedBuffer(256 * 1024);
  nowMs: number = 1;
  readonly upstreams: MemoryConnection[] = [];
  #tasks: TurnTask[] = [];

  connect(_address: unknown, handler: ConnectionHandler): SocketConnection {
    const connection = new MemoryConnection();
    connection.handler = handler;
    this.upstreams.push(connection);
    return connection as unknown as SocketConnection;
  }

  after(): () => void {
    return () => {};
  }

  atTurnEnd(task: TurnTask): void {
    this.#tasks.push(task);
  }

  /** One turn, in which these bytes arrive on a connection. */
  turn(connection: MemoryConnection, bytes: Uint8Array, length: number): void {
    this.input.bytes.set(bytes.subarray(0, length), INPUT_BASE);
    connection.handler!.onData(INPUT_BASE, INPUT_BASE + length);
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.onTurnEnd();
  }
}

const TABLE: RouteTableDiff = {
  listeners: [],
  hosts: ['shop.example', '*', ...Array.from({ length: 9 }, (_, i) => `site-${i}.example`)].map((hostname) => [
    `http|${hostname}`,
    {
      listener: 'http',
      hostname,
      routes: ['/api', '/cart', '/'].map((path) => ({
        source: { kind: 'Ingress', namespace: 'shop', name: 'shop', field: `spec.rules ${path}` },
        match: { path: { type: 'prefix', value: path }, headers: [], query: [] },
        action: { type: 'forward', backends: [{ backend: 'shop/web:80', weight: 1 }] },
        requestHeaders: { set: [['x-route', 'shop']], add: [], remove: [] },
        responseHeaders: { set: [['x-served-by', 'edge']], add: [], remove: ['server'] },
        timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000 },
      })),
    },
  ]),
  certificates: [],
  backends: [
    [
      'shop/web:80',
      {
        key: 'shop/web:80',
        protocol: 'h2c',
        balance: 'least-request',
        endpoints: [{ address: '127.0.0.1', port: 80, weight: 1 }],
      },
    ],
  ],
};

function newCore(reactor: MemoryReactor): ProxyCore {
  const [shared, ledger] = [createSharedState(), createSharedState()];
  const core = new ProxyCore({
    reactor: reactor as unknown as Reactor,
    program: new GatewayProgram(
      {
        endpoints: new EndpointRegistry(new EndpointMemory(shared.endpoints, ledger.endpoints)),
        backends: new BackendMemory(shared.backends, ledger.backends),
        limits: new LimitMemory(shared.limits, ledger.limits),
        clock: systemClock,
        random: systemRandom,
        zone: () => '',
        gatewayName: 'memory',
      },
      {} as FilterServices,
    ),
    clock: systemClock,
    random: systemRandom,
    metrics: new Float64Array(createMetricsMemory()),
    traffic: new Float64Array(createTrafficMemory()),
    times: DEFAULT_PROXY_TIMES,
    accessLog: undefined,
    tracing: undefined,
    underscoreFields: 'pass',
    log: () => {},
  });
  core.program.apply(TABLE);
  return core;
}

function list(...pairs: readonly (readonly [string, string])[]): FieldList {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  return fields;
}

const REQUEST = list(
  [':method', 'POST'],
  [':path', '/api/items/1'],
  [':scheme', 'http'],
  [':authority', 'shop.example'],
  ['user-agent', 'h2load nghttp2/1.52.0'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['content-length', '105'],
);
const ANSWER = list(
  [':status', '200'],
  ['server', 'nginx/1.22.1'],
  ['date', 'Sun, 22 Nov 2026 00:00:00 GMT'],
  ['content-type', 'application/grpc'],
  ['content-length', '105'],
  ['last-modified', 'Sun, 22 Nov 2026 00:00:00 GMT'],
  ['etag', '"6a0c1c40-69"'],
);
const TRAILERS = list(['grpc-status', '0']);
const MESSAGE = Buffer.alloc(105, 'm');

const IGNORE: Http2Events<undefined> = {
  onHead() {},
  onInterim() {},
  onData() {},
  onTrailers() {},
  onReset() {},
  onWritable() {},
  onGoaway() {},
  onConnectionError() {},
};

/** Microseconds of a gRPC unary call in the gateway alone: HTTP/2 on both sides, without kernel. Throws if calls get lost. */
export function callUs(total: number = 300_000): number {
  const reactor = new MemoryReactor();
  const core = newCore(reactor);
  const frontend = {
    hosts: core.program.hostsOf('http'),
    certificates: core.program.certificates,
    scheme: 'http' as const,
    port: 80,
    altSvc: undefined,
  };
  const peer = { family: 'ipv4' as const, address: '127.0.0.1', port: 1234 };
  const identity = clientIdentity(peer, new Trust(NO_TRUST), frontend, undefined, () => undefined);
  const downstream = new MemoryConnection();
  downstream.handler = new Http2Session(
    core,
    core.http2,
    downstream as unknown as SocketConnection,
    (carrier) => new ClientConnection(core, carrier, frontend, identity),
  );
  let answered = 0;
  const clientOut = new OutputBuffer();
  const client: Http2Connection<undefined> = new Http2Connection(
    'client',
    DEFAULT_HTTP2_OPTIONS,
    {
      ...IGNORE,
      onData: (stream, _bytes, start, end) => client.consume(stream, end - start),
      onTrailers: () => answered++,
    },
    clientOut,
    http2Scratch(),
  );
  const servers = new Map<MemoryConnection, { server: Http2Connection<undefined>; out: OutputBuffer }>();
  const serve = (connection: MemoryConnection): { server: Http2Connection<undefined>; out: OutputBuffer } => {
    const known = servers.get(connection);
    if (known !== undefined) return known;
    const out = new OutputBuffer();
    const server: Http2Connection<undefined> = new Http2Connection(
      'server',
      DEFAULT_HTTP2_OPTIONS,
      {
        ...IGNORE,
        onData(stream, _bytes, start, end, endStream) {
          server.consume(stream, end - start);
          if (!endStream) return;
          server.sendHeaders(stream, ANSWER, false);
          server.sendData(stream, MESSAGE, 0, MESSAGE.length, false);
          server.sendHeaders(stream, TRAILERS, true);
        },
      },
      out,
      http2Scratch(),
    );
    server.start();
    servers.set(connection, { server, out });
    return { server, out };
  };
  client.start();
  let [us, began, counted] = [0, 0, 0];
  for (let done = 0; done < total; done += BATCH) {
    // The first third warms up.
    const counts = done >= total / 3;
    if (counts) counted += BATCH;
    reactor.nowMs += 1;
    for (let i = 0; i < BATCH; i++) {
      const stream = client.openStream(REQUEST, false, false)!;
      client.sendData(stream, MESSAGE, 0, MESSAGE.length, true);
    }
    began = threadCpuUs();
    reactor.turn(downstream, clientOut.bytes, clientOut.length);
    us += counts ? threadCpuUs() - began : 0;
    clientOut.clear();
    for (const upstream of reactor.upstreams) {
      const { server, out } = serve(upstream);
      server.feed(upstream.sent, 0, upstream.length, reactor.nowMs);
      upstream.length = 0;
      began = threadCpuUs();
      if (out.length > 0) reactor.turn(upstream, out.bytes, out.length);
      us += counts ? threadCpuUs() - began : 0;
      out.clear();
    }
    client.feed(downstream.sent, 0, downstream.length, reactor.nowMs);
    downstream.length = 0;
    if (answered !== done + BATCH) throw new Error(`${answered} of ${done + BATCH} calls answered`);
  }
  return us / counted;
}
