// fairlead/echo: a back end that says who it is. A program of its own, started for Pods. It listens before it
// loads HTTP, which takes longer than all the rest: connections wait in the kernel meanwhile.
import type { Server as HttpServer } from 'node:http';
import { flushCompileCache } from 'node:module';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../sys/clock.ts';
import type { EchoState } from './answer.ts';
import { readIdentity } from './identity.ts';
import { type EchoPort, readEchoSettings } from './settings.ts';

/** After SIGTERM new connections are taken this long: others learn of it a little later. */
const DRAIN_MS = 1500;
/** First bytes of an HTTP/2 connection with prior knowledge. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2');

const settings = readEchoSettings(process.argv.slice(2), process.env);
if ('error' in settings) {
  process.stderr.write(`echo: ${settings.error}\n`);
  process.exit(2);
}
const identity = readIdentity(process.env, { name: settings.name, version: settings.version });
const state: EchoState = { failReady: false, failHealth: false, draining: false };
const sockets = new Set<Socket>();
const listeners: Server[] = [];

let http: HttpServer | undefined;
let loading: Promise<HttpServer> | undefined;

function loadHttp(): Promise<HttpServer> {
  loading ??= import('./http1.ts').then(({ createHttp1Echo }) => {
    http = createHttp1Echo(identity, state);
    return http;
  });
  return loading;
}

/** Decides by the first bytes between HTTP/1.1 and HTTP/2. */
function onHttpConnection(socket: Socket): void {
  track(socket);
  socket.once('readable', () => {
    const head = socket.read() as Buffer | null;
    if (head === null) return;
    socket.unshift(head);
    if (head.subarray(0, HTTP2_PREFACE.length).equals(HTTP2_PREFACE)) {
      void import('./http2.ts').then(({ http2Server }) => http2Server(identity, state).emit('connection', socket));
    } else {
      void loadHttp().then((server) => server.emit('connection', socket));
    }
  });
}

function track(socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}

async function listen({ port, serve }: EchoPort): Promise<void> {
  if (serve === 'udp') {
    const { listenUdpEcho } = await import('./udp.ts');
    return listenUdpEcho(port, settings as { bind: string | undefined });
  }
  let server: Server;
  if (serve === 'http') {
    server = createTcpServer({ noDelay: true }, onHttpConnection);
  } else if (serve === 'https') {
    const { createTlsEcho } = await import('./http2.ts');
    const { tlsCert, tlsKey } = settings as { tlsCert: string | undefined; tlsKey: string | undefined };
    server = createTlsEcho(tlsCert, tlsKey, identity, state);
    server.on('connection', track);
  } else {
    server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      track(socket);
      socket.pipe(socket);
    });
  }
  listeners.push(server);
  await new Promise<void>((resolve) => {
    server.listen(
      {
        port,
        ...((settings as { bind?: string }).bind === undefined ? {} : { host: (settings as { bind: string }).bind }),
      },
      resolve,
    );
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  process.stdout.write(`listening on port ${bound} (${serve})\n`);
}

/**
 * Keeps serving for a moment, telling clients to leave; then no new connections; ends when the last
 * request is answered. Long-lived connections end with the Pod's grace period.
 */
async function drain(): Promise<void> {
  if (state.draining) return;
  state.draining = true;
  process.stdout.write('draining\n');
  await systemClock.sleep(DRAIN_MS);
  for (const listener of listeners) listener.close();
  http?.closeIdleConnections();
  const busy = (): boolean => [...sockets].some((socket) => !socket.destroyed);
  for (let turn = 0; busy() && turn < 20; turn++) {
    await systemClock.sleep(50);
    http?.closeIdleConnections();
  }
  process.exit(0);
}

// Nobody may be reading.
process.stdout.on('error', () => {});
process.on('SIGTERM', () => void drain());
process.on('SIGINT', () => void drain());
Promise.all(settings.ports.map(listen))
  .then(loadHttp)
  // The next start of this program finds its sources compiled.
  .then(() => flushCompileCache())
  .catch((error: Error) => {
    process.stderr.write(`echo: ${error.message}\n`);
    process.exit(1);
  });
