import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeStatus, StorageClass } from '@fairlead/api';
import { pods } from '@fairlead/api';
import type { EventRecorder, Informer } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { isPodFinished } from '../workload/pod-state.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../workload/resource-refs.ts';
import { decideClaim, type Remark, type StorageState } from './decide-claim.ts';
import { decideVolume } from './decide-volume.ts';
import { annotations, type Claim, claimKey, claimsOfPod, defaultClassOf, type Volume } from './volume-facts.ts';

export const aboutClaim = { kind: 'PersistentVolumeClaim', apiVersion: 'v1' };
export const aboutVolume = { kind: 'PersistentVolume', apiVersion: 'v1' };

/** Brings claims and volumes together, and says what has become of volumes whose claim is gone. */
export const persistentVolumeBinder: Controller = {
  name: 'persistentvolume-binder',
  needs: [persistentVolumes, persistentVolumeClaims, storageClasses],
  start(context) {
    const binder = new Binder(context);
    return { stop: () => binder.queue.stop() };
  },
};

/** Keys are `claim NAMESPACE/NAME` and `volume NAME`; one at a time, so that no two claims choose one volume. */
class Binder {
  readonly #context: ControllerContext;
  readonly #events: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods;
  /** What was told last about an object, by uid: what has not changed is not told again. */
  readonly #told = new Map<string, string>();
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('persistentvolume-controller');
    this.#claims = context.informers.informer(persistentVolumeClaims);
    this.#volumes = context.informers.informer(persistentVolumes);
    this.#classes = context.informers.informer(storageClasses);
    this.#pods = context.informers.informer(pods);
    this.queue = startWorkQueue({
      ...context,
      name: 'persistentvolume-binder',
      concurrency: 1,
      sync: (key) => this.#sync(key),
    });
    context.informers.collection(persistentVolumeClaims).subscribe((changes) => {
      for (const { key, old, new: now } of changes) {
        this.queue.add(`claim ${key}`);
        for (const claim of [old, now]) {
          const volume = claim?.spec?.volumeName;
          if (volume !== undefined && volume !== '') this.queue.add(`volume ${volume}`);
        }
        // Volumes may be held for a claim that does not name them.
        if (now === undefined && old !== undefined) {
          this.#told.delete(old.metadata.uid);
          this.#wakeHeldFor(key);
        }
      }
    });
    context.informers.collection(persistentVolumes).subscribe((changes) => {
      for (const { key, old, new: now } of changes) {
        this.queue.add(`volume ${key}`);
        for (const volume of [old, now]) {
          const held = volume?.spec?.claimRef;
          if (held !== undefined) this.queue.add(`claim ${held.namespace}/${held.name}`);
        }
        const isFree = now !== undefined && now.status?.phase === 'Available' && old?.status?.phase !== 'Available';
        if (isFree) this.#wakeUnbound();
      }
    });
    context.informers.collection(storageClasses).subscribe(() => this.#wakeUnbound());
  }

  #wakeHeldFor(key: string): void {
    for (const { metadata, spec } of this.#volumes.values()) {
      if (`${spec?.claimRef?.namespace}/${spec?.claimRef?.name}` === key) this.queue.add(`volume ${metadata.name}`);
    }
  }

  #wakeUnbound(): void {
    for (const claim of this.#claims.values()) {
      if (claim.metadata.annotations?.[annotations.bindCompleted] === undefined) {
        this.queue.add(`claim ${claimKey(claim)}`);
      }
    }
  }

  async #sync(key: string): Promise<void> {
    await Promise.all([this.#claims, this.#volumes, this.#classes, this.#pods].map(({ synced }) => synced));
    const [kind, name = ''] = key.split(' ');
    if (kind === 'claim') {
      const claim = this.#claims.get(name);
      if (claim !== undefined) await this.#syncClaim(claim);
    } else {
      const volume = this.#volumes.get(name);
      if (volume !== undefined) await this.#syncVolume(volume);
    }
  }

  #state(): StorageState {
    return {
      volume: (name) => this.#volumes.get(name),
      volumes: () => this.#volumes.values(),
      storageClass: (name) => this.#classes.get(name),
      defaultClass: defaultClassOf(this.#classes.values())?.metadata.name,
      waitingPod: (claim) => {
        for (const pod of this.#pods.values()) {
          if (pod.metadata.namespace !== claim.metadata.namespace || isPodFinished(pod)) continue;
          if ((pod.spec?.nodeName ?? '') !== '') continue;
          if (claimsOfPod(pod).some((one) => one.claim === claim.metadata.name)) return pod.metadata.name;
        }
        return undefined;
      },
    };
  }

  async #syncClaim(claim: Claim): Promise<void> {
    const decision = decideClaim(claim, this.#state());
    switch (decision.do) {
      case 'wait':
        this.#tell(claim, decision.remark, aboutClaim);
        await this.#setPhase(claim, 'Pending');
        return;
      case 'take-class':
        await this.#updateClaim({ ...claim, spec: { ...claim.spec, storageClassName: decision.name } });
        return;
      case 'provision': {
        const { provisioner, remark } = decision;
        const own = claim.metadata.annotations ?? {};
        this.#tell(claim, remark, aboutClaim);
        if (own[annotations.storageProvisioner] === provisioner) return this.#setPhase(claim, 'Pending');
        const asked = {
          ...own,
          [annotations.storageProvisioner]: provisioner,
          [annotations.betaStorageProvisioner]: provisioner,
        };
        await this.#updateClaim({ ...claim, metadata: { ...claim.metadata, annotations: asked } });
        return;
      }
      case 'lose':
        if (claim.status?.phase !== 'Lost') this.#tell(claim, decision.remark, aboutClaim);
        await this.#setPhase(claim, 'Lost');
        return;
      case 'bind':
        await this.#bind(claim, decision.volume);
    }
  }

  /** Four writes, each of which a later round makes up for: the volume holds the claim first, so nobody else gets it. */
  async #bind(claim: Claim, volume: Volume): Promise<void> {
    const { name, namespace = '', uid, resourceVersion } = claim.metadata;
    let bound = volume;
    if (volume.spec?.claimRef?.uid !== uid) {
      const claimRef = { ...aboutClaim, namespace, name, uid, resourceVersion };
      const marks = volume.spec?.claimRef === undefined ? { [annotations.boundByController]: 'yes' } : {};
      bound = await this.#updateVolume({
        ...volume,
        metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...marks } },
        spec: { ...volume.spec, claimRef },
      });
    }
    bound = await this.#setVolumePhase(bound, 'Bound');
    let owner = claim;
    const own = claim.metadata.annotations ?? {};
    if (claim.spec?.volumeName !== volume.metadata.name || own[annotations.bindCompleted] === undefined) {
      const chosen = (claim.spec?.volumeName ?? '') === '' ? { [annotations.boundByController]: 'yes' } : {};
      owner = await this.#updateClaim({
        ...claim,
        metadata: { ...claim.metadata, annotations: { ...own, ...chosen, [annotations.bindCompleted]: 'yes' } },
        spec: { ...claim.spec, volumeName: volume.metadata.name },
      });
    }
    await this.#setPhase(owner, 'Bound', bound);
  }

  async #syncVolume(volume: Volume): Promise<void> {
    const held = volume.spec?.claimRef;
    const key = `${held?.namespace}/${held?.name}`;
    const decision = decideVolume(volume, held === undefined ? undefined : this.#claims.get(key));
    if (decision.wakeClaim === true) this.queue.add(`claim ${key}`);
    if (decision.remark !== undefined) this.#tell(volume, decision.remark, aboutVolume);
    let current = volume;
    if (decision.release !== undefined) {
      const { claimRef, ...spec } = volume.spec ?? {};
      const { [annotations.boundByController]: _, ...rest } = volume.metadata.annotations ?? {};
      const { uid: __, resourceVersion: ___, ...named } = claimRef ?? {};
      current = await this.#updateVolume({
        ...volume,
        metadata: { ...volume.metadata, annotations: rest },
        spec: { ...spec, ...(decision.release === 'claim' ? { claimRef: named } : {}) },
      });
    }
    await this.#setVolumePhase(current, decision.phase, decision.message);
  }

  #tell(object: Claim | Volume, remark: Remark | undefined, about: typeof aboutClaim): void {
    const { uid } = object.metadata;
    if (remark === undefined) return;
    const text = `${remark.reason} ${remark.message}`;
    if (this.#told.get(uid) === text) return;
    this.#told.set(uid, text);
    this.#events.record(object, remark.type, remark.reason, remark.message, about);
  }

  async #updateClaim(claim: Claim): Promise<Claim> {
    const updated = await this.#context.client.update(persistentVolumeClaims, claim);
    await this.#claims.caughtUp(updated.metadata.resourceVersion);
    return updated;
  }

  async #updateVolume(volume: Volume): Promise<Volume> {
    const updated = await this.#context.client.update(persistentVolumes, volume);
    await this.#volumes.caughtUp(updated.metadata.resourceVersion);
    return updated;
  }

  async #setVolumePhase(
    volume: Volume,
    phase: NonNullable<PersistentVolumeStatus['phase']>,
    message?: string,
  ): Promise<Volume> {
    if (volume.status?.phase === phase && (volume.status.message ?? '') === (message ?? '')) return volume;
    const { message: _, reason: __, lastPhaseTransitionTime: ___, ...status } = volume.status ?? {};
    const next = { ...status, phase, ...(message === undefined ? {} : { message }) };
    const options = { subresource: 'status' };
    const updated = await this.#context.client.update(persistentVolumes, { ...volume, status: next }, options);
    await this.#volumes.caughtUp(updated.metadata.resourceVersion);
    return updated;
  }

  /** A bound claim shows what its volume has. */
  async #setPhase(claim: Claim, phase: 'Pending' | 'Bound' | 'Lost', volume?: Volume): Promise<void> {
    const { accessModes = [], capacity = {} } = volume?.spec ?? {};
    const { accessModes: _, capacity: before, ...status } = claim.status ?? {};
    // A claim that grew shows its new size.
    const size = before?.storage ?? capacity.storage;
    const same =
      claim.status?.phase === phase &&
      (volume === undefined || (size === before?.storage && sameList(claim.status.accessModes ?? [], accessModes)));
    if (same) return;
    const next =
      volume === undefined
        ? { ...status, phase }
        : {
            ...status,
            phase,
            accessModes: [...accessModes],
            capacity: { ...capacity, ...(size === undefined ? {} : { storage: size }) },
          };
    const options = { subresource: 'status' };
    const updated = await this.#context.client.update(persistentVolumeClaims, { ...claim, status: next }, options);
    await this.#claims.caughtUp(updated.metadata.resourceVersion);
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
