import { type Endpoints, endpoints, pods, services } from '@fairlead/api';
import { deepEqual, isNotFound } from '@fairlead/client';
import type { Controller } from '../controller.ts';
import { headlessLabel } from '../endpointslice/controller.ts';
import { watchServices } from '../endpointslice/service-watch.ts';
import { TriggerTimes, triggerTimeAnnotation } from '../endpointslice/trigger-times.ts';
import { startWorkQueue } from '../work-queue.ts';
import { desiredSubsets } from './desired-subsets.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const managedBy = 'endpoint-controller';
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

/** Keeps the deprecated Endpoints objects, which older clients and `kubectl get endpoints` still read. */
export const endpointsController: Controller = {
  name: 'endpoints',
  start(context) {
    const { client } = context;
    const serviceInformer = context.informers.informer(services);
    const podInformer = context.informers.informer(pods);
    const informer = context.informers.informer(endpoints);
    const triggerTimes = new TriggerTimes();
    const queue = startWorkQueue({
      ...context,
      name: 'endpoints',
      async sync(key) {
        await Promise.all([serviceInformer.synced, podInformer.synced, informer.synced]);
        const service = serviceInformer.get(key);
        const present = informer.get(key);
        if (service === undefined) {
          triggerTimes.forget(key);
          if (present?.metadata.labels?.[managedByLabel] !== managedBy) return;
          const { name, namespace = '', uid } = present.metadata;
          await client.delete(endpoints, { name, namespace }, { preconditions: { uid } }).catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
          return;
        }
        if (service.metadata.deletionTimestamp !== undefined || service.spec?.type === 'ExternalName') return;
        if (Object.keys(service.spec?.selector ?? {}).length === 0) return;
        const selected = watch.podsOf(service);
        const { subsets, truncated } = desiredSubsets(service, selected);
        const labels = {
          ...service.metadata.labels,
          [managedByLabel]: managedBy,
          ...(service.spec?.clusterIP === 'None' ? { [headlessLabel]: '' } : {}),
        };
        const triggerTime = triggerTimes.next(key, service, selected);
        const same = deepEqual(present?.subsets ?? [], subsets) && deepEqual(present?.metadata.labels, labels);
        if (present !== undefined && same) return;
        const annotations = {
          ...(triggerTime === undefined ? {} : { [triggerTimeAnnotation]: triggerTime }),
          ...(truncated ? { [overCapacityAnnotation]: 'truncated' } : {}),
        };
        const { name, namespace } = service.metadata;
        const metadata = {
          name,
          namespace,
          labels,
          ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        };
        const content = subsets.length === 0 ? {} : { subsets: [...subsets] };
        const object: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, ...content };
        const written =
          present === undefined
            ? await client.create(endpoints, object)
            : await client.update(endpoints, {
                ...object,
                metadata: { ...metadata, resourceVersion: present.metadata.resourceVersion },
              });
        await informer.caughtUp(written.metadata.resourceVersion);
      },
    });
    const watch = watchServices(context, (key) => queue.add(key));
    context.informers.collection(endpoints).subscribe((changes) => {
      for (const change of changes) queue.add(change.key);
    });
    return queue;
  },
};
