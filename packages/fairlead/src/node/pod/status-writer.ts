import { type Pod, type PodStatus, pods, type Stored } from '@fairlead/api';
import { type ApiClient, ApiError, deepEqual, isConflict, isNotFound } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';

/** Condition types that the node writes; others belong to controllers. */
const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
]);
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2000;

/**
 * A strategic merge patch keeps what it does not mention: text that no longer applies is removed by name, and lists
 * of addresses, which it would merge by address, are said to be whole.
 */
function withRemovals(status: PodStatus): object {
  const conditions = status.conditions?.map((condition) => ({ reason: null, message: null, ...condition }));
  const whole = (addresses: readonly object[] | undefined): readonly object[] | undefined =>
    addresses && [{ $patch: 'replace' }, ...addresses];
  const { podIPs, hostIPs } = status;
  return { reason: null, message: null, ...status, podIPs: whole(podIPs), hostIPs: whole(hostIPs), conditions };
}

/** Brings one Pod's status to the API: only changes, one request at a time, the newest one last. */
export interface StatusWriter {
  /** The Pod as conditions should be compared: with the status that was last offered. */
  withOwnStatus(pod: Stored<Pod>): Stored<Pod>;
  offer(status: PodStatus): void;
  /** Writes the last offered status again when the API's copy says something else about readiness. */
  restore(current: Stored<Pod>): void;
  /** Resolves when the last offered status is written, or the Pod is gone. */
  flush(): Promise<void>;
  stop(): void;
}

/** Makes a writer for one Pod; `status` is what the API has. */
export function createStatusWriter(client: ApiClient, clock: Clock, log: Log, pod: Stored<Pod>): StatusWriter {
  const name = { namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name };
  const uid = pod.metadata.uid;
  let last: PodStatus | undefined = pod.status;
  let wanted: PodStatus | undefined;
  let active: Promise<void> | undefined;
  /** Version of our last write: older copies of the Pod say nothing about it. */
  let written = 0;
  const stopping = new AbortController();

  const run = async (): Promise<void> => {
    let delay = RETRY_FIRST_MS;
    while (wanted !== undefined && !stopping.signal.aborted) {
      const status = wanted;
      try {
        const body = { metadata: { uid }, status: withRemovals(status) };
        const answer = await client.patch(pods, name, 'strategic', body, { subresource: 'status' });
        written = Number(answer.metadata.resourceVersion);
        delay = RETRY_FIRST_MS;
        if (wanted === status) wanted = undefined;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) {
          wanted = undefined;
          return;
        }
        if (error instanceof ApiError && error.code >= 400 && error.code < 500 && error.code !== 429) {
          log('error', 'Pod status refused', { pod: `${name.namespace}/${name.name}`, error: error.message });
          if (wanted === status) wanted = undefined;
          continue;
        }
        await clock.sleep(delay, stopping.signal).catch(() => undefined);
        delay = Math.min(delay * 2, RETRY_MAX_MS);
      }
    }
  };
  const launch = (): void => {
    active ??= run().finally(() => {
      active = undefined;
      if (wanted !== undefined && !stopping.signal.aborted) launch();
    });
  };
  return {
    withOwnStatus(current) {
      const foreign = (current.status?.conditions ?? []).filter((condition) => !OWN_CONDITIONS.has(condition.type));
      const own = (last?.conditions ?? []).filter((condition) => OWN_CONDITIONS.has(condition.type));
      return { ...current, status: { ...(last ?? {}), conditions: [...own, ...foreign] } };
    },
    offer(status) {
      if (deepEqual(status, last)) return;
      last = status;
      wanted = status;
      launch();
    },
    restore(current) {
      if (last === undefined || wanted !== undefined || active !== undefined) return;
      if (Number(current.metadata.resourceVersion) < written) return;
      const theirs = readyStatus(current.status);
      if (theirs === undefined || theirs === readyStatus(last)) return;
      wanted = last;
      launch();
    },
    async flush() {
      while (active !== undefined) await active;
    },
    stop() {
      stopping.abort();
    },
  };
}

function readyStatus(status: PodStatus | undefined): string | undefined {
  return status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
}
