import { join } from 'node:path';

/** Files in the data directory that roles share. */
export function dataFiles(dataDir: string): {
  readonly roles: string;
  readonly agentKubeconfig: string;
  readonly gatewayKubeconfig: string;
  readonly logToken: string;
} {
  const roles = join(dataDir, 'roles');
  return {
    roles,
    agentKubeconfig: join(roles, 'agent.kubeconfig'),
    gatewayKubeconfig: join(roles, 'gateway.kubeconfig'),
    logToken: join(roles, 'node-log-token'),
  };
}
