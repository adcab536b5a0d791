import type { Pod, Service, Stored } from '@fairlead/api';
import { podCondition } from '../workload/pod-state.ts';

/** The annotation from which the latency from a Pod's change to the data planes is measured. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Known {
  service: string;
  pods: ReadonlyMap<string, string>;
}

/** Remembers per Service which changes were already written. */
export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /**
   * The oldest change since the last call: a Pod turned (un)ready, or the Service was created.
   * `undefined` when there is no newer one, as after a deletion.
   */
  next(key: string, service: Stored<Service>, pods: readonly Stored<Pod>[]): string | undefined {
    const known = this.#known.get(key);
    const times = new Map<string, string>();
    const changes: string[] = [];
    for (const pod of pods) {
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      if (time === undefined) continue;
      times.set(pod.metadata.uid, time);
      if (time > (known?.pods.get(pod.metadata.uid) ?? '')) changes.push(time);
    }
    const created = service.metadata.creationTimestamp;
    if (created > (known?.service ?? '')) changes.push(created);
    this.#known.set(key, { service: created, pods: times });
    return changes.sort()[0];
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
