import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { renewNodes } from '../../controllers/node/renew-nodes.ts';
import { startControllers } from '../../controllers/start.ts';
import { networksOf } from '../../node/machine-network.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { dataFiles } from '../data-files.ts';
import type { RunningRole } from '../role-process.ts';
import { formatListenAddress } from '../settings.ts';
import { type ApiServerRoleOptions, startApi } from './apiserver.ts';
import { gatewayMetrics } from './gateway-metrics-reader.ts';

/**
 * Addresses for Services of type LoadBalancer that lead to this machine without anybody's help: the upper half of the
 * machine link's subnet, whose nodes take theirs from the lower one, or loopback addresses in userspace mode.
 */
function machinePool({ serviceCidr, advertiseAddress }: ApiServerRoleOptions): readonly string[] | undefined {
  const networks = networksOf(serviceCidr.split(','));
  if (networks.some(({ address }) => address === advertiseAddress)) return networks.map(({ pool }) => pool);
  return serviceCidr.startsWith('127.') ? ['127.97.0.1-127.97.0.254'] : undefined;
}

/** The control child of `fairlead up`: API server and controllers in one process. */
export async function startControlRole(
  options: ApiServerRoleOptions,
  log: Log,
  signal: AbortSignal,
): Promise<RunningRole> {
  const server = await startApi(options, log, signal, machinePool(options));
  const files = dataFiles(options.dataDir);
  mkdirSync(files.roles, { recursive: true, mode: 0o700 });
  // Nodes may live in namespaces of their own, where only the advertised address leads here.
  const reachable = `https://${formatListenAddress({
    host: options.advertiseAddress ?? options.apiListen.host,
    port: server.port,
  })}`;
  const agents = 'system:fairlead:agents';
  const roles: readonly { file: string; name: string; groups: readonly string[]; url: string }[] = [
    ...options.agents.map((node) => ({
      file: files.agentKubeconfig(node),
      name: `system:node:${node}`,
      groups: ['system:nodes', agents],
      url: reachable,
    })),
    ...(options.edgeAgent
      ? [{ file: files.agentKubeconfig('edge'), name: 'system:fairlead:agent', groups: [agents], url: reachable }]
      : []),
    {
      file: files.gatewayKubeconfig,
      name: 'system:fairlead:gateway',
      groups: ['system:fairlead:gateways'],
      url: server.url,
    },
  ];
  for (const role of roles) {
    const text = await server.issueClientConfig(role.name, role.groups, role.url);
    writeFileSync(role.file, text, { mode: 0o600 });
  }
  const client = server.client('kube-controller-manager');
  await renewNodes(client, options.podCidr, log);
  const metrics = gatewayMetrics(options.gatewayMetrics, client);
  const controllers = await startControllers({
    client,
    clock: systemClock,
    random: systemRandom,
    log,
    controllers: ['*'],
    podCidr: options.podCidr,
    rootCa: server.ca,
    volumesDir: files.volumes,
    ...(metrics === undefined ? {} : { metrics }),
    // The next process on this data directory takes over at once.
    identity: `control-${hostname()}-${options.dataDir}`,
  });
  return {
    facts: { url: server.url, kubeconfig: options.kubeconfig },
    async stop() {
      await controllers.stop();
      await server.stop();
    },
  };
}
