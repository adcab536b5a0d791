import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Identity } from './identity.ts';

const server = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });

/** Completes the handshake, says who it is, then sends every message back. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, identity: Identity): void {
  server.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => client.terminate());
    client.send(JSON.stringify({ ...identity, path: request.url, headers: request.headers }));
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
  });
}
