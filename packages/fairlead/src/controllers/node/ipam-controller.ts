import { nodes } from '@fairlead/api';
import type { Controller } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { freePodRange } from './pod-ranges.ts';

/** Gives each node a Pod range of its own, or one of each family (`spec.podCIDRs`), never twice. */
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
        const ranges: string[] = [];
        for (const podCidr of context.settings.podCidr.split(',')) {
          const result = freePodRange(podCidr, maskSizeOf(podCidr, context.settings.nodeCidrMaskSize), used);
          if (!result.ok) {
            events.record(node, 'Warning', 'CIDRNotAvailable', result.reason, { kind: 'Node', apiVersion: 'v1' });
            return;
          }
          ranges.push(result.range);
        }
        const spec = { podCIDR: ranges[0], podCIDRs: ranges };
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

/** Prefix length of a node's range; the setting is about the first family where there are two. */
function maskSizeOf(podCidr: string, setting: number): number {
  if (podCidr.includes(':')) return setting > 32 ? setting : 64;
  return setting > 32 ? 24 : setting;
}
