import { leases, type Node, nodes, type Stored } from '@fairlead/api';
import { type ApiClient, ApiError, isAlreadyExists, isConflict, isNotFound } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { familyOf, type IpFamily } from '../machine-network.ts';
import { podCidrsOf } from '../overlay/peers.ts';
import { type NodeFacts, nodeLabels, nodeObject, nodeStatus } from './node-object.ts';

/** How often the Lease is renewed, and how long it is good for. */
const LEASE_RENEW_MS = 3000;
const LEASE_DURATION_SECONDS = 12;
const LEASE_NAMESPACE = 'kube-node-lease';
/** Node status is written again after this time even when nothing changed. */
const STATUS_REFRESH_MS = 60_000;
/** A status that somebody else keeps changing is put right no more often. */
const RESTORE_EVERY_MS = 1000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2000;

/** The Node to register, and who keeps it. */
export interface RegistrationOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: NodeFacts;
  /** Families that the node's Pod ranges should have, in this order; empty: whatever the controller gives. */
  readonly families: readonly IpFamily[];
}

/** The node's presence in the API. */
export interface Registration {
  /** The node's Pod ranges, one per family, the preferred one first; written by a controller. */
  readonly podCidrs: readonly string[];
  /** Says that the node takes Pods and starts renewing its Lease. */
  announceReady(): Promise<void>;
  /** The Node object changed: one that was announced and no longer says Ready=True is put right at once. */
  observe(node: Stored<Node>): void;
  stop(): void;
}

/**
 * Creates or updates the Node object and waits for its `spec.podCIDRs`. Ranges of other families than the wanted ones
 * are used as they are, with a warning: nobody may change them. Retries for ever while the API is away.
 */
export async function registerNode(options: RegistrationOptions, signal: AbortSignal): Promise<Registration> {
  const { client, clock, log, facts } = options;
  let stopped = false;
  let cancel: () => void = () => {};

  let node = await retrying(options, signal, 'register the node', () => ensureNode(client, facts));
  node = await retrying(options, signal, 'write the node status', () => writeStatus(node, false));
  while (podCidrsOf(node).length === 0) node = await nextNode(client, clock, facts.nodeName, signal);
  const podCidrs = podCidrsOf(node);
  if (options.families.length > 0 && podCidrs.map(familyOf).join() !== options.families.join()) {
    const advice = 'delete the Node object while its agent is stopped, to get new ones';
    log('warn', 'the Node has Pod ranges of other address families than the settings', {
      ranges: podCidrs.join(),
      advice,
    });
  }

  async function writeStatus(current: Stored<Node>, ready: boolean): Promise<Stored<Node>> {
    const status = nodeStatus(facts, current.status, clock.now(), ready);
    // Addresses are merged by their type, of which two families have two: the list is replaced as a whole.
    const addresses = [...(status.addresses ?? []), { $patch: 'replace' }];
    const body = { status: { ...status, addresses } };
    return client.patch(nodes, { name: facts.nodeName }, 'strategic', body, { subresource: 'status' });
  }

  let statusWrittenAt = 0;
  let announced = false;
  let restoring = false;
  let restoredAt = Number.NEGATIVE_INFINITY;
  /** The Lease first: whoever judges this node must find it renewed when the status says Ready. */
  const restore = async (current: Stored<Node>): Promise<void> => {
    restoring = true;
    try {
      await clock.sleep(Math.max(0, restoredAt + RESTORE_EVERY_MS - clock.monotonicMs()), signal);
      await renewLease(client, clock, facts.nodeName);
      await writeStatus(current, true);
      restoredAt = clock.monotonicMs();
      log('info', 'the node was taken for lost; it is back', { node: facts.nodeName });
    } catch (error) {
      if (!stopped) log('warn', 'cannot restore the node status yet', { error: (error as Error).message });
      statusWrittenAt = 0;
    } finally {
      restoring = false;
    }
  };
  const beat = async (): Promise<void> => {
    try {
      await renewLease(client, clock, facts.nodeName);
      if (clock.monotonicMs() - statusWrittenAt >= STATUS_REFRESH_MS) {
        const current = await ensureNode(client, facts);
        await writeStatus(current, true);
        statusWrittenAt = clock.monotonicMs();
      }
    } catch (error) {
      log('warn', 'node heartbeat failed', { error: (error as Error).message });
      // A Node object that somebody deleted comes back with the next beat.
      if (isNotFound(error)) statusWrittenAt = 0;
    }
    if (!stopped) cancel = clock.after(LEASE_RENEW_MS, () => void beat());
  };

  return {
    podCidrs,
    async announceReady() {
      await retrying(options, signal, 'write the node status', () => writeStatus(node, true));
      statusWrittenAt = clock.monotonicMs();
      announced = true;
      await beat();
    },
    observe(current) {
      if (announced && !stopped && !restoring && !isNodeReady(current)) void restore(current);
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Whether the Node's Ready condition is True. */
export function isNodeReady(node: Node | undefined): boolean {
  return node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
}

async function ensureNode(client: ApiClient, facts: NodeFacts): Promise<Stored<Node>> {
  try {
    const present = await client.get(nodes, { name: facts.nodeName });
    const labels = nodeLabels(facts.nodeName);
    const missing = Object.entries(labels).some(([key, value]) => present.metadata.labels?.[key] !== value);
    if (!missing) return present;
    return await client.patch(nodes, { name: facts.nodeName }, 'merge', { metadata: { labels } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    return await client.create(nodes, nodeObject(facts));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return client.get(nodes, { name: facts.nodeName });
  }
}

/** Waits until the Node object changes or a second has passed, then reads it. */
async function nextNode(client: ApiClient, clock: Clock, name: string, signal: AbortSignal): Promise<Stored<Node>> {
  await clock.sleep(20, signal);
  try {
    return await client.get(nodes, { name });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await clock.sleep(200, signal);
    return { metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' } };
  }
}

async function renewLease(client: ApiClient, clock: Clock, nodeName: string): Promise<void> {
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const name = { namespace: LEASE_NAMESPACE, name: nodeName };
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_DURATION_SECONDS, renewTime };
  try {
    await client.patch(leases, name, 'merge', { spec });
  } catch (error) {
    if (isConflict(error)) return;
    if (!isNotFound(error)) throw error;
    await client.create(leases, {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: name,
      spec: { ...spec, acquireTime: renewTime },
    });
  }
}

async function retrying<T>(
  options: RegistrationOptions,
  signal: AbortSignal,
  what: string,
  action: () => Promise<T>,
): Promise<T> {
  let delay = RETRY_FIRST_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiError)) throw error;
      options.log('warn', `cannot ${what} yet`, { error: error.message });
      await options.clock.sleep(delay, signal);
      delay = Math.min(delay * 2, RETRY_MAX_MS);
    }
  }
}
