import { type ObjectMeta, type Pod, pods, type ResourceRef, type Stored } from '@fairlead/api';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { isPodFinished } from '../workload/pod-state.ts';
import { persistentVolumeClaims, persistentVolumes } from '../workload/resource-refs.ts';
import { type Claim, claimProtection, claimsOfPod, volumeProtection } from './volume-facts.ts';

/** Lets a claim that is being deleted go when no Pod with a node mounts it any more. */
export const claimProtectionController: Controller = {
  name: 'pvc-protection',
  needs: [persistentVolumeClaims],
  start(context) {
    const informer = context.informers.informer(persistentVolumeClaims);
    const podInformer = context.informers.informer(pods);
    const placed = groupBy<Stored<Pod>>('pods by namespace of claims', context.informers.collection(pods), (pod) =>
      claimsOfPod(pod).length === 0 ? undefined : pod.metadata.namespace,
    );
    const isUsed = ({ metadata }: Claim): boolean =>
      (placed.get(metadata.namespace ?? '') ?? []).some(
        (pod) =>
          (pod.spec?.nodeName ?? '') !== '' &&
          !isPodFinished(pod) &&
          claimsOfPod(pod).some(({ claim }) => claim === metadata.name),
      );
    const queue = startWorkQueue({
      ...context,
      name: 'pvc-protection',
      async sync(key) {
        await Promise.all([informer.synced, podInformer.synced]);
        const claim = informer.get(key);
        if (claim !== undefined) await protect(context, persistentVolumeClaims, claim, claimProtection, isUsed(claim));
      },
    });
    context.informers.collection(persistentVolumeClaims).subscribe((changes) => {
      for (const { key, new: now } of changes) if (now !== undefined) queue.add(key);
    });
    context.informers.collection(pods).subscribe((changes) => {
      for (const { old, new: now } of changes) {
        const pod = now ?? old;
        if (pod === undefined || (now !== undefined && !isPodFinished(now))) continue;
        for (const { claim } of claimsOfPod(pod)) queue.add(`${pod.metadata.namespace}/${claim}`);
      }
    });
    return queue;
  },
};

/** Lets a volume that is being deleted go when it is bound to no claim. */
export const volumeProtectionController: Controller = {
  name: 'pv-protection',
  needs: [persistentVolumes],
  start(context) {
    const informer = context.informers.informer(persistentVolumes);
    const queue = startWorkQueue({
      ...context,
      name: 'pv-protection',
      async sync(key) {
        await informer.synced;
        const volume = informer.get(key);
        if (volume === undefined) return;
        await protect(context, persistentVolumes, volume, volumeProtection, volume.status?.phase === 'Bound');
      },
    });
    context.informers.collection(persistentVolumes).subscribe((changes) => {
      for (const { key, new: now } of changes) if (now !== undefined) queue.add(key);
    });
    return queue;
  },
};

/** Puts the finalizer on what lives and takes it off what is being deleted and not in use. */
async function protect<T extends { metadata?: ObjectMeta | undefined }>(
  context: ControllerContext,
  ref: ResourceRef<T>,
  object: Stored<T>,
  finalizer: string,
  isUsed: boolean,
): Promise<void> {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const isProtected = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined ? isProtected : !isProtected || isUsed) return;
  const others = finalizers.filter((one) => one !== finalizer);
  const next = deletionTimestamp === undefined ? [...others, finalizer] : others;
  await context.client.update(ref, { ...object, metadata: { ...object.metadata, finalizers: next } });
}
