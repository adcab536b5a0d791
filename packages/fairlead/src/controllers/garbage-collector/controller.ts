import { apiVersionOf, type ObjectMeta, type OwnerReference, type ResourceRef } from '@fairlead/api';
import { ApiError, type Informer, isNotFound } from '@fairlead/client';
import type { Running } from '../../sys/role.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type DiscoveredResource, discoverResources } from '../discovery.ts';
import { startWorkQueue } from '../work-queue.ts';
import { decideCollection, type OwnerState } from './decide-collection.ts';
import { describeNode, foregroundFinalizer, type GraphNode, graphNodeOf, OwnerGraph } from './owner-graph.ts';

const discoverEveryMs = 30_000;
/** After a reference to a kind that is not known yet. */
const discoverSoonMs = 500;
/** Written all the time, owned by nobody. */
const ignored = new Set(['/events', 'events.k8s.io/events']);

/** Deletes what has lost its owner, and carries foreground and orphan deletion out. */
export const garbageCollector: Controller = {
  name: 'garbagecollector',
  start: (context) => new GarbageCollector(context),
};

class GarbageCollector implements Running {
  readonly #context: ControllerContext;
  readonly #graph = new OwnerGraph();
  readonly #informers = new Map<string, Informer<unknown>>();
  readonly #resources = new Map<string, DiscoveredResource>();
  /** Owners that a live request did not find; UIDs never come back. */
  readonly #absent = new Set<string>();
  readonly #queue;
  /** Dependents of owners that no informer could tell about yet. */
  readonly #undecided = new Set<string>();
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = startWorkQueue({ ...context, name: 'garbagecollector', sync: (uid) => this.#sync(uid) });
    void this.#discover();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#queue.stop();
  }

  /** Starts to watch resources that were not served before. */
  async #discover(): Promise<void> {
    const { client, clock, log } = this.#context;
    let againMs = discoverEveryMs;
    try {
      for (const resource of await discoverResources(client)) {
        const key = `${resource.group}/${resource.plural}`;
        this.#resources.set(`${apiVersionOf(resource)} ${resource.kind}`, resource);
        const usable = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb));
        if (usable && !ignored.has(key) && !this.#informers.has(key) && !this.#stopped) this.#watch(key, resource);
      }
    } catch (error) {
      log('debug', 'cannot discover resources', { error: (error as Error).message });
      againMs = 1000;
    }
    if (!this.#stopped) this.#cancelTimer = clock.after(againMs, () => void this.#discover());
  }

  /** A dependent waits for a kind: looks for it once more, soon. */
  #decideLater(uid: string): void {
    if (this.#undecided.has(uid) || this.#stopped) return;
    this.#undecided.add(uid);
    this.#cancelTimer();
    this.#cancelTimer = this.#context.clock.after(discoverSoonMs, () => void this.#discover());
  }

  /** What was undecided is looked at again with what is known now. */
  #decideAgain(): void {
    const waiting = [...this.#undecided];
    this.#undecided.clear();
    for (const uid of waiting) this.#queue.add(uid);
  }

  #watch(key: string, ref: ResourceRef<unknown>): void {
    const informer = this.#context.informers.informer(ref);
    this.#informers.set(key, informer);
    // An owner that went before the first list is in no list: only its dependents remember it.
    void informer.synced.then(() => this.#decideAgain());
    informer.subscribe((changes) => {
      for (const { old, new: next } of changes) {
        const replaced = old !== undefined && old.metadata.uid !== next?.metadata.uid;
        if (replaced) this.#gone(old.metadata.uid);
        if (next === undefined) continue;
        const node = graphNodeOf(ref, next.metadata);
        this.#graph.put(node);
        if (node.owners.length > 0 || node.deleting) this.#queue.add(node.uid);
        // An owner that waits looks whether this was the last one it waited for.
        for (const { uid } of node.owners) if (this.#graph.get(uid)?.deleting === true) this.#queue.add(uid);
      }
    });
  }

  #gone(uid: string): void {
    const node = this.#graph.get(uid);
    const dependents = this.#graph.dependentsOf(uid);
    this.#graph.remove(uid);
    this.#absent.add(uid);
    for (const dependent of dependents) this.#queue.add(dependent.uid);
    for (const owner of node?.owners ?? [])
      if (this.#graph.get(owner.uid)?.deleting === true) this.#queue.add(owner.uid);
    // Remembered only as long as somebody could ask.
    if (dependents.length === 0) this.#absent.delete(uid);
  }

  async #sync(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    const dependents = this.#graph.dependentsOf(uid);
    const states = new Map<string, OwnerState>();
    if (!node.deleting) for (const owner of node.owners) states.set(owner.uid, await this.#stateOf(owner, node));
    const decision = decideCollection(node, dependents, (owner) => states.get(owner.uid) ?? 'present');
    switch (decision.action) {
      case 'keep':
        return;
      case 'drop-owners':
        return this.#dropOwners(node, new Set(decision.uids));
      case 'delete':
        this.#context.log('debug', 'collecting', { object: describeNode(node) });
        return this.#delete(node, decision.policy);
      case 'delete-dependents':
        for (const dependent of decision.dependents) this.#queue.add(dependent.uid);
        return;
      case 'release-dependents':
        for (const dependent of decision.dependents) await this.#dropOwners(dependent, new Set([uid]));
        this.#queue.add(uid);
        return;
      case 'remove-finalizer':
        return this.#patchMetadata(node, (meta) => ({
          finalizers: without(meta.finalizers ?? [], (finalizer) => finalizer === decision.finalizer),
        }));
    }
  }

  async #stateOf(owner: OwnerReference, dependent: GraphNode): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid);
    if (known !== undefined) {
      return known.deleting && known.finalizers.includes(foregroundFinalizer) ? 'waiting-for-dependents' : 'present';
    }
    if (this.#absent.has(owner.uid)) return 'absent';
    const resource = this.#resources.get(`${owner.apiVersion} ${owner.kind}`) ?? this.#otherVersion(owner);
    // An unknown kind may be served later: better keep too much.
    if (resource === undefined) {
      this.#decideLater(dependent.uid);
      return 'present';
    }
    if (resource.namespaced && dependent.namespace === undefined) return 'present';
    try {
      const name = { name: owner.name, ...(resource.namespaced ? { namespace: dependent.namespace ?? '' } : {}) };
      const found = (await this.#context.client.get(resource, name)) as { metadata: ObjectMeta };
      if (found.metadata.uid === owner.uid) {
        this.#undecided.add(dependent.uid);
        return 'present';
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return 'absent';
  }

  #otherVersion(owner: OwnerReference): DiscoveredResource | undefined {
    const group = owner.apiVersion.includes('/') ? owner.apiVersion.split('/')[0] : '';
    return [...this.#resources.values()].find((resource) => resource.group === group && resource.kind === owner.kind);
  }

  #dropOwners(node: GraphNode, uids: ReadonlySet<string>): Promise<void> {
    return this.#patchMetadata(node, (meta) => ({
      ownerReferences: without(meta.ownerReferences ?? [], (owner) => uids.has(owner.uid)),
    }));
  }

  /** Changes lists of the metadata as they are now on the server, guarded by the version. */
  async #patchMetadata(node: GraphNode, change: (meta: ObjectMeta) => object): Promise<void> {
    const { client } = this.#context;
    const target = { name: node.name, ...(node.namespace === undefined ? {} : { namespace: node.namespace }) };
    try {
      const { metadata } = (await client.get(node.ref, target)) as { metadata: ObjectMeta };
      if (metadata.uid !== node.uid) return;
      const body = { metadata: { uid: node.uid, resourceVersion: metadata.resourceVersion, ...change(metadata) } };
      const patched = (await client.patch(node.ref, target, 'merge', body)) as { metadata: ObjectMeta };
      await this.#caughtUp(node, patched.metadata.resourceVersion ?? '0');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #delete(node: GraphNode, propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<void> {
    const target = { name: node.name, ...(node.namespace === undefined ? {} : { namespace: node.namespace }) };
    // With the version: an owner that was added since must be looked at first.
    const preconditions = { uid: node.uid, resourceVersion: node.resourceVersion };
    try {
      await this.#context.client.delete(node.ref, target, { propagationPolicy, preconditions });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return;
      throw error;
    }
  }

  async #caughtUp(node: GraphNode, version: string): Promise<void> {
    await this.#informers.get(`${node.ref.group}/${node.ref.plural}`)?.caughtUp(version);
  }
}

/** The rest of a list; `null`, which a merge patch removes, when nothing is left. */
function without<T>(list: readonly T[], unwanted: (item: T) => boolean): readonly T[] | null {
  const rest = list.filter((item) => !unwanted(item));
  return rest.length === 0 ? null : rest;
}
