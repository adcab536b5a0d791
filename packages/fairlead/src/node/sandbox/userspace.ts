import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPodIps } from './pod-ips.ts';
import type { SandboxDriver } from './sandbox.ts';

export interface UserspaceSandboxOptions {
  /** The node's part of 127.244.0.0/16. */
  readonly podCidr: string;
  readonly nodeIp: string;
  readonly stateDir: string;
}

/**
 * Pods without namespaces: each has its own loopback address and is told so by
 * `POD_IP`, `HOST` and `FAIRLEAD_BIND_ADDRESS`. A program that binds 0.0.0.0 takes the port on
 * every address, so two such Pods cannot share a port; that is the limit of this mode.
 */
export function createUserspaceSandboxes(options: UserspaceSandboxOptions): SandboxDriver {
  const lastIpFile = join(options.stateDir, 'last-pod-ip');
  const last = existsSync(lastIpFile) ? readFileSync(lastIpFile, 'utf8').trim() : undefined;
  const ips = createPodIps(options.podCidr, last);
  return {
    mode: 'userspace',
    gatewayIp: undefined,
    create(pod) {
      const uid = pod.metadata.uid;
      if (pod.spec?.hostNetwork === true) return Promise.resolve({ uid, podIp: options.nodeIp, hostNetwork: true });
      const podIp = ips.allocate();
      mkdirSync(options.stateDir, { recursive: true });
      writeFileSync(lastIpFile, podIp);
      return Promise.resolve({ uid, podIp, hostNetwork: false });
    },
    adopt: (sandbox) => Promise.resolve(sandbox.hostNetwork || ips.claim(sandbox.podIp)),
    remove(sandbox) {
      if (!sandbox.hostNetwork) ips.release(sandbox.podIp);
      return Promise.resolve();
    },
    wrapper: () => [],
    removeLeftovers: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
