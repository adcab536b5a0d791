import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  pods,
  type StorageClass,
  type Stored,
} from '@fairlead/api';
import type { Informer } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { ControllerContext } from '../controller.ts';
import { aboutClaim } from '../persistentvolume/binder.ts';
import { annotations, claimsOfPod } from '../persistentvolume/volume-facts.ts';
import { isPodFinished } from '../workload/pod-state.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../workload/resource-refs.ts';
import type { VolumePlan, VolumeState } from './pod-volumes.ts';

/** What the scheduler knows of volumes, and how it gets those that it has planned. */
export class VolumeBinding {
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #mounting;

  /** @param onChange something that Pods wait for may have come */
  constructor(context: ControllerContext, onChange: () => void) {
    this.#context = context;
    this.#claims = context.informers.informer(persistentVolumeClaims);
    this.#volumes = context.informers.informer(persistentVolumes);
    this.#classes = context.informers.informer(storageClasses);
    this.#mounting = groupBy<Stored<Pod>>('placed pods with claims', context.informers.collection(pods), (pod) =>
      claimsOfPod(pod).length === 0 || isPodFinished(pod) ? undefined : pod.metadata.namespace,
    );
    for (const ref of [persistentVolumeClaims, persistentVolumes, storageClasses] as const) {
      context.informers.collection<object>(ref).subscribe(onChange);
    }
  }

  /** Resolves when everything has been listed once. */
  async synced(): Promise<void> {
    await Promise.all([this.#claims.synced, this.#volumes.synced, this.#classes.synced]);
  }

  /** The state as a Pod sees it: its own mounts do not count. */
  stateFor(pod: Stored<Pod>, hasNode: (name: string) => boolean): VolumeState {
    return {
      claim: (key) => this.#claims.get(key),
      volume: (name) => this.#volumes.get(name),
      volumes: () => this.#volumes.values(),
      storageClass: (name) => this.#classes.get(name),
      hasNode,
      isMounted: (key) =>
        (this.#mounting.get(pod.metadata.namespace ?? '') ?? []).some(
          (other) =>
            other.metadata.uid !== pod.metadata.uid &&
            (other.spec?.nodeName ?? '') !== '' &&
            claimsOfPod(other).some(({ claim }) => `${other.metadata.namespace}/${claim}` === key),
        ),
    };
  }

  /** Holds volumes for claims, and asks for those that are to be made: the Pod is placed when all of them are bound. */
  async carryOut(plan: VolumePlan, node: string): Promise<void> {
    const { client } = this.#context;
    for (const { claim, volume } of plan.hold) {
      const { name, namespace = '', uid, resourceVersion } = claim.metadata;
      const marked = { ...volume.metadata.annotations, [annotations.boundByController]: 'yes' };
      const { metadata } = await client.update(persistentVolumes, {
        ...volume,
        metadata: { ...volume.metadata, annotations: marked },
        spec: { ...volume.spec, claimRef: { ...aboutClaim, namespace, name, uid, resourceVersion } },
      });
      await this.#volumes.caughtUp(metadata.resourceVersion);
    }
    for (const claim of plan.provision) {
      const chosen = { ...claim.metadata.annotations, [annotations.selectedNode]: node };
      const asked = { ...claim, metadata: { ...claim.metadata, annotations: chosen } };
      const { metadata } = await client.update(persistentVolumeClaims, asked);
      await this.#claims.caughtUp(metadata.resourceVersion);
    }
  }
}
