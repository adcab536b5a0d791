import { type ApiClient, type ConnectConfig, connect, KubeconfigError, loadKubeconfig } from '@fairlead/client';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ApiAccess } from '../api-access-settings.ts';
import { FatalError } from '../role-process.ts';

/** Reads a role's kubeconfig; a wrong one is the user's to mend, in one line. */
export function readAccess({ kubeconfig, apiServers }: ApiAccess): ConnectConfig {
  try {
    const config = loadKubeconfig(kubeconfig);
    const [server = config.server, ...otherServers] = apiServers;
    return { ...config, server, otherServers };
  } catch (error) {
    throw error instanceof KubeconfigError ? new FatalError(error.message, { cause: error }) : error;
  }
}

/** The API client of a role. `userAgent` is who owns the fields it writes: tools know the names of Kubernetes' own. */
export function roleClient(config: ConnectConfig, log: Log, userAgent = 'fairlead'): ApiClient {
  return connect(config, { clock: systemClock, random: systemRandom, log, userAgent });
}
