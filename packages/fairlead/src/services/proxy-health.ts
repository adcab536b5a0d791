import type { AddressInfo } from 'node:net';
import type { Clock } from '../sys/clock.ts';
import { nodeHttp } from '../sys/node-http.ts';
import type { Running } from '../sys/role.ts';

/** kube-proxy's: a change that waits longer than this means that the proxy is stuck. */
const stuckAfterMs = 60_000;

/** Whether changes get through to the data plane. */
export class ProxyHealth {
  readonly #clock: Clock;
  #waitingSinceMs: number | undefined;
  #updatedAt: number;
  /** False while the node is being removed: load balancers should send nothing new. */
  nodeEligible = true;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#updatedAt = clock.now();
    // The first program counts as waited for.
    this.#waitingSinceMs = clock.monotonicMs();
  }

  /** A change came in. */
  queued(): void {
    this.#waitingSinceMs ??= this.#clock.monotonicMs();
  }

  /** All that came in is installed. */
  updated(): void {
    this.#waitingSinceMs = undefined;
    this.#updatedAt = this.#clock.now();
  }

  /** No change waits for too long. */
  get healthy(): boolean {
    return this.#waitingSinceMs === undefined || this.#clock.monotonicMs() - this.#waitingSinceMs < stuckAfterMs;
  }

  /** Unix time in milliseconds of the last installation; `now`, if nothing waits. */
  lastUpdated(now: number): number {
    return this.#waitingSinceMs === undefined ? now : this.#updatedAt;
  }
}

/** Where {@link serveProxyHealth} listens. */
export interface HealthServer extends Running {
  readonly port: number;
}

/**
 * kube-proxy's health server. `/healthz`: 200 while healthy and the node is to get traffic (KEP-3836),
 * which is what load balancers ask; `/livez`: 200 while healthy, which is what decides on a restart.
 * Rejects when the address cannot be bound.
 */
export async function serveProxyHealth(
  listen: { readonly host: string; readonly port: number },
  health: ProxyHealth,
  clock: Clock,
): Promise<HealthServer> {
  const server = nodeHttp.createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path !== '/healthz' && path !== '/livez') {
      response.writeHead(404).end();
      return;
    }
    const good = health.healthy && (path === '/livez' || health.nodeEligible);
    const now = clock.now();
    const body = {
      lastUpdated: new Date(health.lastUpdated(now)).toISOString(),
      currentTime: new Date(now).toISOString(),
      ...(path === '/healthz' ? { nodeEligible: health.nodeEligible } : {}),
    };
    response.writeHead(good ? 200 : 503, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
    });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
