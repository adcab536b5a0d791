import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type {
  HeaderEdit,
  Route,
  RouteBackend,
  RouteTableDiff,
  VirtualHost,
  WeightedBackend,
} from '../../routing/route-table.ts';
import { systemClock } from '../../sys/clock.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../start.ts';

/** Deadline for anything a test waits for, milliseconds. */
const PATIENCE_MS = 60_000;

/** Waits for a promise, but not for ever. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const controller = new AbortController();
  const late = systemClock.sleep(PATIENCE_MS, controller.signal).then(() => {
    throw new Error(`waited too long for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    controller.abort();
  }
}

/** A raw TCP connection of a test: everything it received, and waiting for more. */
export class RawConnection {
  readonly socket: Socket;
  received = '';
  ended = false;
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#changed();
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('error', () => {});
  }

  #end(): void {
    this.ended = true;
    this.#changed();
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Waits until the predicate holds for what was received. */
  async until(what: string, predicate: (received: string) => boolean): Promise<string> {
    await within(
      `${what}; got ${JSON.stringify(this.received.slice(0, 300))}`,
      (async () => {
        while (!predicate(this.received)) {
          if (this.ended) throw new Error(`ended before ${what}: ${JSON.stringify(this.received.slice(0, 300))}`);
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#changed = resolve;
          await promise;
        }
      })(),
    );
    return this.received;
  }

  async untilEnd(): Promise<string> {
    await within(
      'the end of the connection',
      (async () => {
        while (!this.ended) {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#changed = resolve;
          await promise;
        }
      })(),
    );
    return this.received;
  }
}

/** An upstream of a test: a raw TCP server whose behaviour is a function of the bytes so far. */
export class RawUpstream {
  readonly connections: RawConnection[] = [];
  readonly #server: Server;

  /** @param serve is called for each connection. */
  constructor(serve: (connection: RawConnection, index: number) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new RawConnection(socket);
      this.connections.push(connection);
      serve(connection, this.connections.length - 1);
    });
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    return address.port;
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** All bytes that reached it. */
  get seen(): string {
    return this.connections.map((connection) => connection.received).join('');
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Calls `answer` for each complete request (head and declared body) on a connection. */
export function onRequests(connection: RawConnection, answer: (request: string) => string | undefined): void {
  let done = 0;
  connection.socket.on('data', () => {
    for (;;) {
      const rest = connection.received.slice(done);
      const headEnd = rest.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = rest.slice(0, headEnd + 4);
      let length = head.length + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (/^transfer-encoding: chunked/im.test(head)) {
        const end = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(rest.slice(head.length - 2));
        if (end === null) return;
        length = head.length - 2 + end.index + end[0].length;
      }
      if (rest.length < length) return;
      done += length;
      const response = answer(rest.slice(0, length));
      if (response !== undefined) connection.send(response);
    }
  });
}

/** A response with Content-Length. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A route for tests. */
export function testRoute(path: string, backends: readonly WeightedBackend[], more: Partial<Route> = {}): Route {
  return {
    source: { kind: 'Ingress', namespace: 'test', name: 'test', field: 'spec' },
    match: { path: { type: 'prefix', value: path }, headers: [], query: [] },
    action: { type: 'forward', backends },
    timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000 },
    ...more,
  };
}

/** A host of the rig's listener, as an entry of a table. */
export function testHost(hostname: string, routes: readonly Route[]): readonly [string, VirtualHost] {
  return [`http|${hostname}`, { listener: 'http', hostname, routes }];
}

/** A backend with endpoints at these ports of 127.0.0.1, as an entry of a table. */
export function testBackend(
  key: string,
  ports: readonly number[],
  balance: RouteBackend['balance'] = 'round-robin',
): readonly [string, RouteBackend] {
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port, weight: 1 }));
  return [key, { key, protocol: 'http1', balance, endpoints }];
}

/** Changes no header. */
export const NO_EDIT: HeaderEdit = { set: [], add: [], remove: [] };

/** A running gateway with one listener on a port of the kernel's choice. */
export interface GatewayRig {
  readonly gateway: RunningGateway;
  readonly port: number;
  readonly logs: string[];
  /** Waits for a line of the log that matches. */
  logged(pattern: RegExp): Promise<void>;
  apply(diff: Partial<RouteTableDiff>): Promise<void>;
  dial(): RawConnection;
  /** One request on a fresh connection; everything received until it ends or holds `until`. */
  exchange(request: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a gateway for a test. */
export async function startRig(
  diff: Partial<RouteTableDiff>,
  options: Partial<GatewayOptions> = {},
): Promise<GatewayRig> {
  const logs: string[] = [];
  let onLog = (): void => {};
  const gateway = await startGateway({
    workers: 1,
    clock: systemClock,
    log: (level, message, fields) => {
      logs.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
      onLog();
    },
    ...options,
  });
  const apply = (part: Partial<RouteTableDiff>): Promise<void> =>
    within('routes', gateway.applyRoutes({ listeners: [], hosts: [], backends: [], certificates: [], ...part }));
  await apply({
    listeners: [['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port: 0 }]],
    ...diff,
  });
  const { port } = gateway.listeners()[0]!;
  const open: RawConnection[] = [];
  const dial = (): RawConnection => {
    const connection = new RawConnection(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    open.push(connection);
    return connection;
  };
  return {
    gateway,
    port,
    logs,
    logged: (pattern) =>
      within(
        `${pattern} in the log`,
        (async () => {
          while (!logs.some((line) => pattern.test(line))) {
            const { promise, resolve } = Promise.withResolvers<void>();
            onLog = resolve;
            await promise;
          }
        })(),
      ),
    apply,
    dial,
    async exchange(request) {
      const connection = dial();
      connection.send(request);
      const received = await connection.untilEnd();
      connection.socket.destroy();
      return received;
    },
    async stop() {
      for (const { socket } of open) socket.destroy();
      await within('stop', gateway.stop({ drainMs: 0 }));
    },
  };
}
