import { join, resolve } from 'node:path';

/** Files in the data directory that roles share. */
export function dataFiles(dataDir: string): {
  readonly roles: string;
  /** Of the agent of a node, or of the machine's own one (`edge`). */
  agentKubeconfig(name: string): string;
  /** Socket of what passes through an agent. */
  agentTap(name: string): string;
  readonly gatewayKubeconfig: string;
  /** Socket of the gateway's metrics. */
  readonly gatewayMetrics: string;
  /** Default certificate and ticket keys of the gateway. */
  readonly gatewaySecrets: string;
  readonly logToken: string;
  /** Folders of persistent volumes, absolute: Pods have them in their objects. */
  readonly volumes: string;
} {
  const roles = join(dataDir, 'roles');
  return {
    roles,
    agentKubeconfig: (name) => join(roles, `agent-${name}.kubeconfig`),
    agentTap: (name) => join(roles, `agent-${name}.sock`),
    gatewayKubeconfig: join(roles, 'gateway.kubeconfig'),
    gatewaySecrets: join(roles, 'gateway-secrets.json'),
    gatewayMetrics: join(roles, 'gateway.sock'),
    logToken: join(roles, 'node-log-token'),
    volumes: resolve(dataDir, 'volumes'),
  };
}
