import type { Pod, Stored } from '@fairlead/api';
import type { MountPlan } from './mounts.ts';

/** Where `ip netns` keeps named network namespaces. */
export const NETNS_DIR = '/run/netns';

/** A Pod's place on this node: addresses and how to enter it. Persisted as JSON. */
export interface Sandbox {
  readonly uid: string;
  /** The Pod's addresses, one per family, the preferred one first; the node's own for a `hostNetwork` Pod. */
  readonly podIps: readonly string[];
  readonly hostNetwork: boolean;
  /** Network namespace name; absent where the Pod lives in the node's own. */
  readonly netns?: string;
}

/** A directory or file that a container sees at a path. */
export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Where the target does not exist on this machine: the nearest folder above it that does. */
  readonly existingAncestor: string | undefined;
}

/** Makes and removes Pod sandboxes; one implementation per mode. */
export interface SandboxDriver {
  readonly mode: 'kernel' | 'userspace';
  /** Addresses of the node towards its Pods, one per family; the first is their name server. None in userspace mode. */
  readonly gatewayIps: readonly string[];
  /** Makes the sandbox; rejects with a message for the user. */
  create(pod: Stored<Pod>): Promise<Sandbox>;
  /** True when everything of a persisted sandbox is still there; takes its addresses out of the pool. */
  adopt(sandbox: Sandbox): Promise<boolean>;
  remove(sandbox: Sandbox): Promise<void>;
  /** Program and arguments to put in front of a container's command. */
  wrapper(sandbox: Sandbox, plan: MountPlan): readonly string[];
  /** Removes leftovers of this instance on this node that no adopted sandbox claims. */
  removeLeftovers(): Promise<void>;
  /** Removes everything of this node, sysctls included. */
  close(): Promise<void>;
}

/** No free address, or a kernel object that could not be made. */
export class SandboxError extends Error {
  override readonly name: string = 'SandboxError';
}
