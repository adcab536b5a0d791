import type { OwnerReference } from '@fairlead/api';
import { foregroundFinalizer, type GraphNode, orphanFinalizer } from './owner-graph.ts';

/** How an owner of an object stands. */
export type OwnerState = 'present' | 'absent' | 'waiting-for-dependents';

/** What to do about an object. */
export type Collection =
  | { readonly action: 'keep' }
  /** Take these owners off; others remain. */
  | { readonly action: 'drop-owners'; readonly uids: readonly string[] }
  | { readonly action: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** It is being deleted in the foreground and waits: see to its dependents. */
  | { readonly action: 'delete-dependents'; readonly dependents: readonly GraphNode[] }
  /** It is being deleted and leaves its dependents behind. */
  | { readonly action: 'release-dependents'; readonly dependents: readonly GraphNode[] }
  /** Nothing holds it back any more. */
  | { readonly action: 'remove-finalizer'; readonly finalizer: string };

/**
 * Decides about one object.
 *
 * Cases, in this order: under deletion with the orphan finalizer; under deletion in the foreground;
 * under deletion otherwise; without owners; some owner present; all owners gone or waiting.
 */
export function decideCollection(
  node: GraphNode,
  dependents: readonly GraphNode[],
  stateOf: (owner: OwnerReference) => OwnerState,
): Collection {
  if (node.deleting && node.finalizers.includes(orphanFinalizer)) {
    return dependents.length > 0
      ? { action: 'release-dependents', dependents }
      : { action: 'remove-finalizer', finalizer: orphanFinalizer };
  }
  if (node.deleting && node.finalizers.includes(foregroundFinalizer)) {
    const blocking = dependents.filter((dependent) =>
      dependent.owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true),
    );
    if (blocking.length === 0) return { action: 'remove-finalizer', finalizer: foregroundFinalizer };
    return { action: 'delete-dependents', dependents: dependents.filter((dependent) => !dependent.deleting) };
  }
  if (node.deleting || node.owners.length === 0) return { action: 'keep' };
  const states = node.owners.map((owner) => ({ owner, state: stateOf(owner) }));
  const gone = states.filter(({ state }) => state !== 'present');
  if (gone.length < states.length) {
    return gone.length === 0 ? { action: 'keep' } : { action: 'drop-owners', uids: gone.map(({ owner }) => owner.uid) };
  }
  const waitedFor = states.some(
    ({ state, owner }) => state === 'waiting-for-dependents' && owner.blockOwnerDeletion === true,
  );
  if (waitedFor && dependents.length > 0) return { action: 'delete', policy: 'Foreground' };
  if (node.finalizers.includes(orphanFinalizer)) return { action: 'delete', policy: 'Orphan' };
  return { action: 'delete', policy: node.finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background' };
}
