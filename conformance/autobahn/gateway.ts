/**
 * A WebSocket end point behind a gateway of the product: `ws` that echoes, or the one whose port is given. Prints, as JSON, a
 * URL for each way to it: without the gateway, through it, over TLS, and with HTTP/2 (extended CONNECT, RFC 8441)
 * between two passages of the gateway. Ends by SIGTERM.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { selfSignedIdentity } from '../../packages/fairlead/src/gateway/self-signed.ts';
import { startGateway } from '../../packages/fairlead/src/gateway/start.ts';
import { testBackend, testRoute } from '../../packages/fairlead/src/gateway/test-rig/gateway-rig.ts';
import { systemClock } from '../../packages/fairlead/src/sys/clock.ts';

async function echoServer(): Promise<WebSocketServer> {
  // The cases 9.3 send 65,536 fragments; by default more than 16,384 are a mistake for `ws`.
  const options = { host: '127.0.0.1', port: 0, perMessageDeflate: true, maxFragments: 1 << 20 };
  const server = new WebSocketServer(options);
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, 'listening');
  return server;
}

const given = process.argv[2];
const echo = given === undefined ? await echoServer() : undefined;
const end = echo === undefined ? Number(given) : (echo.address() as AddressInfo).port;

const gateway = await startGateway({ workers: 1, clock: systemClock, log: () => {} });
const host = (listener: string, backend: string) =>
  [`${listener}|*`, { listener, hostname: '*', routes: [testRoute('/', [{ backend, weight: 1 }])] }] as const;
const portOf = (name: string): number => gateway.listeners().find((listener) => listener.name === name)!.port;
const [, endpoint] = testBackend('end', [end]);
await gateway.applyRoutes({
  listeners: [
    ['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port: 0 }],
    ['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }],
    ['first', { name: 'first', protocol: 'http', address: '127.0.0.1', port: 0 }],
  ],
  hosts: [host('http', 'end'), host('https', 'end'), host('first', 'second')],
  backends: [['end', endpoint]],
  certificates: [
    ['local', { key: 'local', hosts: ['localhost'], ...selfSignedIdentity('localhost', systemClock.now()) }],
  ],
});
const [, second] = testBackend('second', [portOf('http')]);
await gateway.applyRoutes({
  listeners: [],
  hosts: [],
  backends: [['second', { ...second, protocol: 'h2c' }]],
  certificates: [],
});
console.log(
  JSON.stringify({
    direct: `ws://127.0.0.1:${end}`,
    gateway: `ws://127.0.0.1:${portOf('http')}`,
    tls: `wss://localhost:${portOf('https')}`,
    http2: `ws://127.0.0.1:${portOf('first')}`,
  }),
);
process.on('SIGTERM', async () => {
  await gateway.stop({ drainMs: 0 });
  for (const client of echo?.clients ?? []) client.terminate();
  echo?.close();
});
