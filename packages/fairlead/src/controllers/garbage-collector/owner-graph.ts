import { apiVersionOf, type ObjectMeta, type OwnerReference, objectKey, type ResourceRef } from '@fairlead/api';

/** What the collector knows of an object. */
export interface GraphNode {
  readonly uid: string;
  readonly ref: ResourceRef<unknown>;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  readonly resourceVersion: string;
}

/** Stays on an object until its blocking dependents are gone. */
export const foregroundFinalizer = 'foregroundDeletion';
/** Stays on an object until its dependents no longer name it. */
export const orphanFinalizer = 'orphan';

/** Objects by UID, and by the UID of their owners. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): GraphNode[] {
    const found: GraphNode[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      if (node !== undefined) found.push(node);
    }
    return found;
  }

  put(node: GraphNode): void {
    this.remove(node.uid);
    this.#nodes.set(node.uid, node);
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, dependents.add(node.uid));
    }
  }

  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const owner of node.owners) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** The graph's view of an object. */
export function graphNodeOf(ref: ResourceRef<unknown>, meta: ObjectMeta): GraphNode {
  return {
    uid: meta.uid ?? '',
    ref,
    name: meta.name ?? '',
    namespace: meta.namespace,
    owners: meta.ownerReferences ?? [],
    deleting: meta.deletionTimestamp !== undefined,
    finalizers: meta.finalizers ?? [],
    resourceVersion: meta.resourceVersion ?? '',
  };
}

/** For logs. */
export function describeNode(node: GraphNode): string {
  return `${apiVersionOf(node.ref)} ${node.ref.kind} ${objectKey({ metadata: { name: node.name, namespace: node.namespace } })}`;
}
