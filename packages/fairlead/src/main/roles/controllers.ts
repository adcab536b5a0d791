import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { startControllers } from '../../controllers/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ApiAccess } from '../api-access-settings.ts';
import type { ClusterOptions } from '../cluster-options.ts';
import type { RunningRole } from '../role-process.ts';
import { gatewayMetrics } from './gateway-metrics-reader.ts';
import { readAccess, roleClient } from './role-client.ts';

/** Checked options of the controllers role. */
export interface ControllersRoleOptions extends ClusterOptions, ApiAccess {
  /** Patterns: `*`, a name, `-name`. */
  readonly controllers: readonly string[];
  /** Where gateways tell what they count: URLs, or `unix:FILE`. */
  readonly gatewayMetrics: readonly string[];
}

/** `fairlead controllers`: the controllers against any API. */
export async function startControllersRole(options: ControllersRoleOptions, log: Log): Promise<RunningRole> {
  const config = readAccess(options);
  const client = roleClient(config, log, 'kube-controller-manager');
  const metrics = gatewayMetrics(options.gatewayMetrics, client);
  const controllers = await startControllers({
    client,
    clock: systemClock,
    random: systemRandom,
    log,
    controllers: options.controllers,
    ...(metrics === undefined ? {} : { metrics }),
    podCidr: options.podCidr,
    rootCa: config.ca ?? readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8'),
    // As Kubernetes: no other process ever has this name, wherever it runs.
    identity: `${hostname()}_${randomUUID()}`,
  });
  return {
    facts: {},
    async stop() {
      await controllers.stop();
      await client.close();
    },
  };
}
