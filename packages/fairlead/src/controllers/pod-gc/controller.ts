import { nodes, type Pod, pods, type Stored } from '@fairlead/api';
import { isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';

/** A node must be gone for this long before its Pods are removed: it may be coming back. */
const quarantineMs = 40_000;

/** Removes the Pods of nodes that do not exist any more; no agent is left to end them. */
export const podGarbageCollector: Controller = {
  name: 'podgc',
  start(context) {
    const nodeInformer = context.informers.informer(nodes);
    const podInformer = context.informers.informer(pods);
    const byNode = groupBy<Stored<Pod>>(
      'pods by node',
      context.informers.collection(pods),
      (pod) => pod.spec?.nodeName,
    );
    const goneSince = new Map<string, number>();
    const queue = startWorkQueue({
      ...context,
      name: 'podgc',
      async sync(node) {
        await Promise.all([nodeInformer.synced, podInformer.synced]);
        const stranded = byNode.get(node) ?? [];
        if (nodeInformer.get(node) !== undefined || stranded.length === 0) {
          goneSince.delete(node);
          return undefined;
        }
        const now = context.clock.monotonicMs();
        const since = goneSince.get(node) ?? now;
        goneSince.set(node, since);
        if (now - since < quarantineMs) return { againAfterMs: quarantineMs - (now - since) };
        const present = await context.client.get(nodes, { name: node }).then(
          () => true,
          (error: unknown) => {
            if (isNotFound(error)) return false;
            throw error;
          },
        );
        if (present) return undefined;
        for (const { metadata } of stranded) {
          const { name, namespace = '', uid } = metadata;
          const options = { gracePeriodSeconds: 0, preconditions: { uid } };
          await context.client.delete(pods, { name, namespace }, options).catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
        }
        return undefined;
      },
    });
    byNode.subscribe((changes) => {
      for (const { key } of changes) if (nodeInformer.get(key) === undefined) queue.add(key);
    });
    context.informers.collection(nodes).subscribe((changes) => {
      for (const change of changes) if (change.new === undefined) queue.add(change.key);
    });
    return queue;
  },
};
