import { type Namespace, type NamespaceCondition, namespaces, pods, type Stored } from '@fairlead/api';
import { ApiError, deepEqual, isNotFound, resourcePath } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { type DiscoveredResource, discoverResources } from '../discovery.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { type Remaining, remainingConditions } from './remaining-conditions.ts';

const finalizer = 'kubernetes';
const lookAgainMs = 500;

/** Empties namespaces under deletion, then lets them go. */
export const namespaceController: Controller = {
  name: 'namespace',
  start(context) {
    const informer = context.informers.informer(namespaces);
    const queue = startWorkQueue({
      ...context,
      name: 'namespace',
      async sync(key) {
        const namespace = informer.get(key);
        if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
        if (!(namespace.spec?.finalizers ?? []).includes(finalizer)) return undefined;
        return empty(context, namespace);
      },
    });
    context.informers.collection(namespaces).subscribe((changes) => {
      for (const { key, new: namespace } of changes) {
        if (namespace?.metadata.deletionTimestamp !== undefined) queue.add(key);
      }
    });
    // What takes longest to go are Pods: look again when one has ended.
    context.informers.collection(pods).subscribe((changes) => {
      for (const { old, new: next } of changes) {
        const name = old?.metadata.namespace ?? '';
        if (next === undefined && informer.get(name)?.metadata.deletionTimestamp !== undefined) queue.add(name);
      }
    });
    return queue;
  },
};

async function empty(context: ControllerContext, namespace: Stored<Namespace>): Promise<SyncResult> {
  const { client, clock } = context;
  const { name } = namespace.metadata;
  const resources = (await discoverResources(client)).filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'),
  );
  const remaining: Remaining[] = [];
  const failures: unknown[] = [];
  for (const resource of resources) {
    try {
      const left = await deleteAll(context, resource, name);
      if (left !== undefined) remaining.push(left);
    } catch (error) {
      failures.push(error);
    }
  }
  try {
    const why = failures.map((error) => (error instanceof Error ? error.message : String(error)));
    const conditions = remainingConditions(namespace.status?.conditions ?? [], remaining, why, clock.now());
    if (!deepEqual(conditions, namespace.status?.conditions)) await writeConditions(context, namespace, conditions);
    if (remaining.length === 0 && failures.length === 0) {
      const finalizers = (namespace.spec?.finalizers ?? []).filter((entry) => entry !== finalizer);
      const latest = await client.get(namespaces, { name });
      await client.update(namespaces, { ...latest, spec: { ...latest.spec, finalizers } }, { subresource: 'finalize' });
      return undefined;
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  // Told on the namespace; the queue comes back later and later.
  if (failures.length > 0) throw failures[0];
  return { againAfterMs: lookAgainMs };
}

/** Asks for the deletion of all objects of a resource; tells what is left. */
async function deleteAll(
  { client }: ControllerContext,
  resource: DiscoveredResource,
  namespace: string,
): Promise<Remaining | undefined> {
  try {
    const { items } = await client.list(resource, { namespace });
    const alive = items.some(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (items.length === 0) return undefined;
    if (alive && resource.verbs.includes('deletecollection')) {
      await client.request('DELETE', resourcePath(resource, { namespace }), { propagationPolicy: 'Background' });
    } else if (alive) {
      for (const { metadata } of items) await client.delete(resource, { name: metadata.name, namespace });
    }
    const left = await client.list(resource, { namespace });
    if (left.items.length === 0) return undefined;
    const finalizers = left.items.flatMap(({ metadata }) => metadata.finalizers ?? []);
    const { group, plural } = resource;
    return { resource: `${plural}.${group}`, count: left.items.length, finalizers };
  } catch (error) {
    // Served by nobody any more, or already gone.
    if (error instanceof ApiError && (error.code === 404 || error.code === 405)) return undefined;
    throw error;
  }
}

async function writeConditions(
  { client, informers }: ControllerContext,
  namespace: Stored<Namespace>,
  conditions: readonly NamespaceCondition[],
): Promise<void> {
  const status = { ...namespace.status, phase: 'Terminating' as const, conditions: [...conditions] };
  const { metadata } = await client.update(namespaces, { ...namespace, status }, { subresource: 'status' });
  await informers.informer(namespaces).caughtUp(metadata.resourceVersion);
}
