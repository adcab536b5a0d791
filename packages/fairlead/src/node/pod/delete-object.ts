import { type Pod, pods, type Stored } from '@fairlead/api';
import { isConflict, isNotFound } from '@fairlead/client';
import type { WorkerContext } from './worker-context.ts';

/** Deletes the object of a Pod of which nothing is left; tried again until it is gone or `enough` says so. */
export async function deletePodObject(context: WorkerContext, pod: Stored<Pod>, enough: () => boolean): Promise<void> {
  const { namespace = 'default', name, uid } = pod.metadata;
  for (let delay = 50; !enough(); delay = Math.min(delay * 2, 2000)) {
    try {
      await context.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return;
      const message = (error as Error).message;
      context.log('warn', 'cannot delete the Pod object yet', { pod: `${namespace}/${name}`, error: message });
      await context.clock.sleep(delay);
    }
  }
}
