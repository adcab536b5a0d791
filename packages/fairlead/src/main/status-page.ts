import { nodeHttp } from '../sys/node-http.ts';
import type { Running } from '../sys/role.ts';
import { formatListenAddress, type ListenAddress } from './settings.ts';
import type { ChildState } from './supervisor.ts';

/** What the status page shows, and where. */
export interface StatusPageOptions {
  readonly listen: ListenAddress;
  children(): readonly { readonly name: string; readonly pid: number | undefined; readonly state: ChildState }[];
}

/**
 * Serves the state of the roles: `/readyz` (200 when all are ready, else 503),
 * `/livez`, and a plain text table at `/`.
 * @throws Error with one clear line when the address cannot be used.
 */
export async function startStatusPage(options: StatusPageOptions): Promise<Running> {
  const server = nodeHttp.createServer((request, response) => {
    const children = options.children();
    const ready = children.every((child) => child.state === 'ready');
    const path = (request.url ?? '/').split('?')[0];
    const known = path === '/readyz' || path === '/livez' || path === '/healthz' || path === '/';
    const status = !known ? 404 : path === '/readyz' && !ready ? 503 : 200;
    const width = Math.max(...children.map((child) => child.name.length)) + 3;
    const table = children.map((child) => `${child.name.padEnd(width)}${child.state.padEnd(10)}${child.pid ?? '-'}`);
    const body =
      status === 404 ? 'not found\n' : path === '/' ? `${table.join('\n')}\n` : status === 200 ? 'ok\n' : 'not ready\n';
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = formatListenAddress(options.listen);
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
      reject(new Error(`--console-listen ${where}: ${why}`));
    });
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  return {
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
