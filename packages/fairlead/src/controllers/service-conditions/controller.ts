import { nodes, type Service, type Stored, services } from '@fairlead/api';
import { isConflict, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { managerOfNode, nodesWithConditions } from './left-conditions.ts';

async function isGone({ client }: ControllerContext, name: string): Promise<boolean> {
  try {
    await client.get(nodes, { name });
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

/** Applies nothing in the name of the node's proxy: what it owned of the status goes, and nothing else. */
async function removeOf({ client }: ControllerContext, service: Stored<Service>, node: string): Promise<void> {
  const { namespace = '', name, uid } = service.metadata;
  const nothing = { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name, uid }, status: {} };
  const options = { subresource: 'status', fieldManager: managerOfNode(node), force: true };
  try {
    await client.patch(services, { namespace, name }, 'apply', nothing, options);
  } catch (error) {
    // Deleted, or made anew.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** Removes what service proxies of nodes that do not exist any more have left in the status of Services. */
export const serviceConditionsController: Controller = {
  name: 'service-conditions',
  start(context) {
    const { informers } = context;
    const nodeInformer = informers.informer(nodes);
    const marked = groupBy<Stored<Service>>('services by degraded node', informers.collection(services), (service) =>
      nodesWithConditions(service),
    );
    const queue = startWorkQueue({
      ...context,
      name: 'service-conditions',
      async sync(node) {
        await Promise.all([nodeInformer.synced, informers.informer(services).synced]);
        const left = marked.get(node) ?? [];
        if (left.length === 0 || nodeInformer.get(node) !== undefined || !(await isGone(context, node))) return;
        for (const service of left) await removeOf(context, service, node);
      },
    });
    marked.subscribe((changes) => {
      for (const { key, new: left } of changes) {
        if (left !== undefined && nodeInformer.get(key) === undefined) queue.add(key);
      }
    });
    informers.collection(nodes).subscribe((changes) => {
      for (const change of changes) if (change.new === undefined) queue.add(change.key);
    });
    return queue;
  },
};
