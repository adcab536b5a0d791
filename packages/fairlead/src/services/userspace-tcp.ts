import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../sys/clock.ts';
import type { EndpointTarget } from './program.ts';

/** Where a listener sends connections; read at every connection, so programs change under it. */
export interface ConnectionRouter {
  /** Endpoints in the order to be tried for this client; empty refuses. */
  route(clientAddress: string): readonly EndpointTarget[];
  /** Called with the endpoint that took the connection. */
  connected(clientAddress: string, target: EndpointTarget): void;
}

/** One listening frontend of any protocol. */
export interface FrontendListener {
  readonly address: string;
  /** The port really listened on. */
  readonly port: number;
  /** Told that the endpoints changed. */
  endpointsChanged(targets: readonly EndpointTarget[]): void;
  /** Stops accepting; established connections go on. `onDrained` runs when the last one has ended. */
  close(onDrained?: () => void): void;
  /** Ends established connections too. */
  destroy(): void;
}

const connectTimeoutMs = 5000;

function splice(client: Socket, upstream: Socket): void {
  client.pipe(upstream);
  upstream.pipe(client);
  // `pipe` forwards half-closes but not failures.
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroySoon());
}

function connectTo(target: EndpointTarget, clock: Clock): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.ip, port: target.port, allowHalfOpen: true, noDelay: true });
    const fail = (): void => {
      cancel();
      socket.destroy();
      resolve(undefined);
    };
    const cancel = clock.after(connectTimeoutMs, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      cancel();
      socket.off('error', fail);
      // From here on `close` follows every error and does the work.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function serve(client: Socket, router: ConnectionRouter, clock: Clock): Promise<void> {
  const address = client.remoteAddress ?? '';
  for (const target of router.route(address)) {
    if (client.destroyed) return;
    const upstream = await connectTo(target, clock);
    if (upstream === undefined) continue;
    if (client.destroyed) {
      upstream.destroy();
      return;
    }
    router.connected(address, target);
    splice(client, upstream);
    return;
  }
  // A refusal is what the kernel data plane would give; an orderly close looks like an empty answer.
  client.resetAndDestroy();
}

/** Listens and forwards TCP connections. Rejects when the address cannot be bound. */
export async function listenTcp(
  address: string,
  port: number,
  router: ConnectionRouter,
  clock: Clock,
): Promise<FrontendListener> {
  const clients = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  server.on('connection', (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.once('close', () => clients.delete(client));
    void serve(client, router, clock);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  let closed = false;
  const close = (onDrained?: () => void): void => {
    if (closed) return;
    closed = true;
    // The listening socket is closed at once.
    server.close(onDrained);
  };
  return {
    address,
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    endpointsChanged: () => undefined,
    close,
    destroy: () => {
      close();
      for (const client of clients) client.destroy();
    },
  };
}
