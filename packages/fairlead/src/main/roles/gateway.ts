import { networkInterfaces } from 'node:os';
import { type ApiClient, connect, loadKubeconfig } from '@fairlead/client';
import { startGateway } from '../../gateway/start.ts';
import type { RouteListener } from '../../routing/route-table.ts';
import { startRouting } from '../../routing/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { FatalError, type RunningRole } from '../role-process.ts';
import { formatListenAddress, type ListenAddress } from '../settings.ts';

/** Checked options of the gateway role. */
export interface GatewayRoleOptions {
  readonly kubeconfig: string;
  readonly gatewayHttp: ListenAddress;
  readonly gatewayHttps: ListenAddress;
  readonly workers: number;
}

/** How long requests in flight may take when the gateway stops. */
const drainMs = 1_500;

/** The addresses under which clients reach a listener, for Ingress status. */
function publishedAddresses(listen: ListenAddress): string[] {
  if (listen.host !== '0.0.0.0' && listen.host !== '::') return [listen.host];
  const external = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && entry.family === 'IPv4')
    .map((entry) => entry.address);
  return external.length > 0 ? external.slice(0, 1) : ['127.0.0.1'];
}

/** `fairlead gateway`: routes from the API to the L7 workers. */
export async function startGatewayRole(options: GatewayRoleOptions, log: Log): Promise<RunningRole> {
  const client: ApiClient = connect(loadKubeconfig(options.kubeconfig), { clock: systemClock, random: systemRandom });
  const listeners: RouteListener[] = [
    { name: 'http', protocol: 'http', address: options.gatewayHttp.host, port: options.gatewayHttp.port },
  ];
  const gateway = await startGateway({ workers: options.workers, clock: systemClock, log });
  const applied = Promise.withResolvers<void>();
  let failed = false;
  const routing = await startRouting({
    client,
    listeners,
    ingressClass: 'fairlead',
    addresses: publishedAddresses(options.gatewayHttp),
    clock: systemClock,
    log,
    async onDiff(diff) {
      try {
        await gateway.applyRoutes(diff);
        applied.resolve();
      } catch (error) {
        failed = true;
        applied.reject(error);
        throw error;
      }
    },
  });
  try {
    await applied.promise;
  } catch (error) {
    await routing.stop();
    await gateway.stop({ drainMs: 0 });
    const address = formatListenAddress(options.gatewayHttp);
    throw failed ? new FatalError(`gateway ${address}: ${(error as Error).message}`) : error;
  }
  return {
    facts: { http: formatListenAddress(options.gatewayHttp) },
    async stop() {
      await routing.stop();
      await gateway.stop({ drainMs });
      await client.close();
    },
  };
}
