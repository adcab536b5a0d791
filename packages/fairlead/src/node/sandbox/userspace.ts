import { join } from 'node:path';
import { createPodAddresses } from './pod-addresses.ts';
import type { SandboxDriver } from './sandbox.ts';

/** What Pods without namespaces need. */
export interface UserspaceSandboxOptions {
  /** The node's part of 127.244.0.0/16. */
  readonly podCidrs: readonly string[];
  readonly nodeIps: readonly string[];
  readonly stateDir: string;
}

/**
 * Pods without namespaces: each has its own loopback address and is told so by
 * `POD_IP`, `HOST` and `FAIRLEAD_BIND_ADDRESS`. A program that binds 0.0.0.0 takes the port on
 * every address, so two such Pods cannot share a port; that is the limit of this mode.
 */
export function createUserspaceSandboxes(options: UserspaceSandboxOptions): SandboxDriver {
  const addresses = createPodAddresses(options.podCidrs, join(options.stateDir, 'last-pod-ip'));
  return {
    mode: 'userspace',
    gatewayIps: [],
    create(pod) {
      const uid = pod.metadata.uid;
      if (pod.spec?.hostNetwork === true) return Promise.resolve({ uid, podIps: options.nodeIps, hostNetwork: true });
      return Promise.resolve({ uid, podIps: addresses.allocate(), hostNetwork: false });
    },
    adopt: (sandbox) => Promise.resolve(sandbox.hostNetwork || addresses.claim(sandbox.podIps)),
    remove(sandbox) {
      if (!sandbox.hostNetwork) addresses.release(sandbox.podIps);
      return Promise.resolve();
    },
    wrapper: () => [],
    removeLeftovers: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
