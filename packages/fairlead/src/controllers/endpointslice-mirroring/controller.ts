import { endpoints, services } from '@fairlead/api';
import type { Controller } from '../controller.ts';
import { planSlices } from '../endpointslice/plan-slices.ts';
import { managedByLabel, SliceWriter, serviceNameLabel } from '../endpointslice/slice-writer.ts';
import { triggerTimeAnnotation } from '../endpointslice/trigger-times.ts';
import { startWorkQueue } from '../work-queue.ts';
import { isMirrored, mirroredEndpoints } from './mirrored-endpoints.ts';

const managedBy = 'endpointslicemirroring-controller.k8s.io';
const notCopied = new Set(['kubectl.kubernetes.io/last-applied-configuration', triggerTimeAnnotation]);

/** Turns hand-written Endpoints of Services without a selector into slices, which is all the data planes read. */
export const endpointSliceMirroringController: Controller = {
  name: 'endpointslicemirroring',
  start(context) {
    const serviceInformer = context.informers.informer(services);
    const informer = context.informers.informer(endpoints);
    const queue = startWorkQueue({
      ...context,
      name: 'endpointslicemirroring',
      async sync(key) {
        await Promise.all([serviceInformer.synced, informer.synced, slices.synced]);
        const source = informer.get(key);
        if (source === undefined || !isMirrored(source, serviceInformer.get(key))) return slices.removeAll(key);
        if (source.metadata.deletionTimestamp !== undefined) return;
        const existing = slices.of(key);
        const plan = planSlices(mirroredEndpoints(source), existing, []);
        const { name, namespace = '', uid, labels, annotations = {} } = source.metadata;
        const copied = Object.entries(annotations).filter(([annotation]) => !notCopied.has(annotation));
        await slices.write(
          plan,
          {
            name,
            namespace,
            labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: managedBy },
            annotations: Object.fromEntries(copied),
            owner: { apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true },
          },
          existing,
        );
      },
    });
    const wake = (key: string): void => queue.add(key);
    const slices = new SliceWriter(context, managedBy, wake);
    for (const collection of [context.informers.collection(services), context.informers.collection(endpoints)]) {
      collection.subscribe((changes: readonly { readonly key: string }[]) => {
        for (const change of changes) wake(change.key);
      });
    }
    return queue;
  },
};
