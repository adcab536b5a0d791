/**
 * A gateway of the product with one route to a small server of Node, for testers of protocols.
 * `/bytes/N` answers N bytes, content is counted. Writes its certificate and key (PEM) into the folder given, and prints `HTTP-PORT HTTPS-PORT`.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { selfSignedIdentity } from '../packages/fairlead/src/gateway/self-signed.ts';
import { startGateway } from '../packages/fairlead/src/gateway/start.ts';
import { testBackend, testRoute } from '../packages/fairlead/src/gateway/test-rig/gateway-rig.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: gateway-server.ts FOLDER');
const identity = selfSignedIdentity('localhost', Date.now());
writeFileSync(join(folder, 'certificate.pem'), identity.certificate);
writeFileSync(join(folder, 'key.pem'), identity.privateKey, { mode: 0o600 });

const upstream = createServer((request, response) => {
  let received = 0;
  request.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  request.on('end', () => {
    const bytes = Number(/^\/bytes\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 0);
    if (bytes > 0) response.end(Buffer.alloc(bytes, 'x'));
    else response.end(received === 0 ? 'hello\n' : `${received} bytes\n`);
  });
});
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const gateway = await startGateway({ workers: 1, http3: true, clock: systemClock, log: () => {} });
const { port } = upstream.address() as { port: number };
const routes = [testRoute('/', [{ backend: 'web', weight: 1 }])];
await gateway.applyRoutes({
  listeners: [
    ['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port: 0 }],
    ['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0, http3: true }],
  ],
  hosts: ['http', 'https'].map((listener) => [`${listener}|*`, { listener, hostname: '*', routes }]),
  backends: [testBackend('web', [port])],
  certificates: [['local', { key: 'local', hosts: ['localhost'], ...identity }]],
});
const portOf = (name: string): number => gateway.listeners().find((listener) => listener.name === name)!.port;
console.log(`${portOf('http')} ${portOf('https')}`);
process.on('SIGTERM', async () => {
  await gateway.stop({ drainMs: 0 });
  upstream.closeAllConnections();
  upstream.close();
});
