import type { PersistentVolumeClaim, Pod, StatefulSet, Stored } from '@fairlead/api';
import { ApiError, type EventRecorder, type Informer } from '@fairlead/client';
import type { ControllerContext } from '../controller.ts';
import type { OwnerKind } from '../workload/pod-control.ts';
import { persistentVolumeClaims } from '../workload/resource-refs.ts';
import { ordinalOf } from './decide-pods.ts';
import { claimOwners, claimsOf } from './set-claims.ts';

/** Makes the claims of StatefulSets' Pods, and lets them go as the sets say. */
export class ClaimControl {
  readonly #context: ControllerContext;
  readonly #events: EventRecorder;
  readonly #about: OwnerKind;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: ControllerContext, about: OwnerKind, events: EventRecorder) {
    this.#context = context;
    this.#about = about;
    this.#events = events;
    this.#claims = context.informers.informer(persistentVolumeClaims);
  }

  /** Creates the claims of an ordinal that are not there; throws when one cannot be had, so that its Pod waits. */
  async ensure(set: Stored<StatefulSet>, ordinal: number): Promise<void> {
    const pod = `${set.metadata.name}-${ordinal}`;
    const claims = claimsOf(set, ordinal);
    if (claims.length === 0) return;
    await this.#claims.synced;
    let version = '0';
    for (const claim of claims) {
      const name = claim.metadata?.name ?? '';
      const present = this.#claims.get(`${set.metadata.namespace}/${name}`);
      if (present?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
      if (present !== undefined) continue;
      try {
        const made = await this.#context.client.create(persistentVolumeClaims, claim);
        if (Number(made.metadata.resourceVersion) > Number(version)) version = made.metadata.resourceVersion;
        const text = `create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
        this.#events.record(set, 'Normal', 'SuccessfulCreate', text, this.#about);
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'AlreadyExists') continue;
        const why = (error as Error).message;
        const text = `create Claim ${name} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${why}`;
        this.#events.record(set, 'Warning', 'FailedCreate', text, this.#about);
        throw error;
      }
    }
    await this.#claims.caughtUp(version);
  }

  /** Puts on the claims of Pods who they go with. */
  async retain(set: Stored<StatefulSet>, owned: readonly Stored<Pod>[]): Promise<void> {
    if ((set.spec?.volumeClaimTemplates ?? []).length === 0) return;
    await this.#claims.synced;
    const start = set.spec?.ordinals?.start ?? 0;
    const end = start + (set.spec?.replicas ?? 1);
    for (const pod of owned) {
      const ordinal = ordinalOf(set.metadata.name, pod.metadata.name);
      if (ordinal === undefined) continue;
      for (const { metadata } of claimsOf(set, ordinal)) {
        const claim = this.#claims.get(`${set.metadata.namespace}/${metadata?.name}`);
        if (claim === undefined) continue;
        const { references, foreign } = claimOwners(claim, set, pod, ordinal >= start && ordinal < end);
        if (foreign) {
          const text = `PersistentVolumeClaim ${metadata?.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
          this.#events.record(set, 'Warning', 'ConflictingController', text, this.#about);
        }
        if (references === undefined) continue;
        const { ownerReferences: _, ...rest } = claim.metadata;
        const next = { ...rest, ...(references.length === 0 ? {} : { ownerReferences: references }) };
        const updated = await this.#context.client.update(persistentVolumeClaims, { ...claim, metadata: next });
        await this.#claims.caughtUp(updated.metadata.resourceVersion);
      }
    }
  }
}
