import { nodes } from '@fairlead/api';
import type { Controller } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { freePodRange } from './pod-ranges.ts';

/** Gives each node a Pod range of its own (`spec.podCIDR`), never twice. */
export const nodeIpamController: Controller = {
  name: 'nodeipam',
  start(context) {
    const events = context.recorder('cidrAllocator');
    const informer = context.informers.informer(nodes);
    // One at a time, and only on a cache that holds all earlier assignments.
    const queue = startWorkQueue({
      ...context,
      name: 'nodeipam',
      concurrency: 1,
      async sync(key) {
        await informer.synced;
        const node = informer.get(key);
        if (node === undefined || node.metadata.deletionTimestamp !== undefined || node.spec?.podCIDR !== undefined)
          return;
        const used = [...informer.values()].flatMap(({ spec }) => [
          ...(spec?.podCIDRs ?? []),
          ...(spec?.podCIDR === undefined ? [] : [spec.podCIDR]),
        ]);
        const { podCidr, nodeCidrMaskSize } = context.settings;
        const result = freePodRange(podCidr, nodeCidrMaskSize, used);
        if (!result.ok) {
          events.record(node, 'Warning', 'CIDRNotAvailable', result.reason, { kind: 'Node', apiVersion: 'v1' });
          return;
        }
        const spec = { podCIDR: result.range, podCIDRs: [result.range] };
        const written = await context.client.patch(nodes, { name: key }, 'merge', { spec });
        await informer.caughtUp(written.metadata.resourceVersion);
      },
    });
    context.informers.collection(nodes).subscribe((changes) => {
      const freed = changes.some((change) => change.new === undefined);
      for (const change of changes) if (change.new !== undefined) queue.add(change.key);
      if (freed)
        for (const node of informer.values()) if (node.spec?.podCIDR === undefined) queue.add(node.metadata.name);
    });
    return queue;
  },
};
