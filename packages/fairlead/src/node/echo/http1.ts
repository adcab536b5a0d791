import type { Server } from 'node:http';
import { nodeHttp } from '../../sys/node-http.ts';
import { answer, type EchoState } from './answer.ts';
import type { Identity } from './identity.ts';

/** Longer than any balancer keeps an idle connection, so that the balancer closes first. */
const KEEP_ALIVE_MS = 75_000;

/** The HTTP/1.1 server; gets its connections from outside and never listens itself. */
export function createHttp1Echo(identity: Identity, state: EchoState): Server {
  const server = nodeHttp.createServer((request, response) => answer(request, response, identity, state));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('upgrade', (request, socket, head) => {
    void import('./websocket.ts').then(({ acceptWebSocket }) => acceptWebSocket(request, socket, head, identity));
  });
  return server;
}
