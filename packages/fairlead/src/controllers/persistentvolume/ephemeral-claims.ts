import { type Pod, pods, type Stored } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import type { Controller } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { ownerReference } from '../workload/pod-control.ts';
import { isPodFinished } from '../workload/pod-state.ts';
import { persistentVolumeClaims } from '../workload/resource-refs.ts';
import { claimsOfPod } from './volume-facts.ts';

const about = { kind: 'Pod', apiVersion: 'v1' };

/** Makes the claims of `ephemeral` volumes (KEP-1698), which belong to their Pod and go with it. */
export const ephemeralVolumeController: Controller = {
  name: 'ephemeral-volume',
  needs: [persistentVolumeClaims],
  start(context) {
    const podInformer = context.informers.informer(pods);
    const claims = context.informers.informer(persistentVolumeClaims);
    const events = context.recorder('ephemeral_volume');
    const queue = startWorkQueue({
      ...context,
      name: 'ephemeral-volume',
      async sync(key) {
        await Promise.all([podInformer.synced, claims.synced]);
        const pod = podInformer.get(key);
        if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isPodFinished(pod)) return;
        for (const { volume, claim } of claimsOfPod(pod).filter(({ ephemeral }) => ephemeral)) {
          await ensure(pod, volume, claim);
        }
      },
    });
    const ensure = async (pod: Stored<Pod>, volume: string, name: string): Promise<void> => {
      const { namespace = '' } = pod.metadata;
      const present = claims.get(`${namespace}/${name}`);
      if (present !== undefined) {
        const owned = present.metadata.ownerReferences?.some((one) => one.uid === pod.metadata.uid) === true;
        if (!owned)
          throw new Error(`PVC ${namespace}/${name} was not created for the pod ${namespace}/${pod.metadata.name}`);
        return;
      }
      const template = pod.spec?.volumes?.find((one) => one.name === volume)?.ephemeral?.volumeClaimTemplate;
      if (template === undefined) return;
      const { labels, annotations } = template.metadata ?? {};
      try {
        const made = await context.client.create(persistentVolumeClaims, {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: {
            name,
            namespace,
            ...(labels === undefined ? {} : { labels }),
            ...(annotations === undefined ? {} : { annotations }),
            ownerReferences: [ownerReference(pod, about)],
          },
          spec: template.spec,
        });
        await claims.caughtUp(made.metadata.resourceVersion);
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'AlreadyExists') return;
        const text = `ephemeral volume controller failed to create PVC ${name}: ${(error as Error).message}`;
        events.record(pod, 'Warning', 'FailedBinding', text, about);
        throw error;
      }
    };
    context.informers.collection(pods).subscribe((changes) => {
      for (const { key, new: pod } of changes) {
        if (pod?.spec?.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true) queue.add(key);
      }
    });
    return queue;
  },
};
