import type { ControllerRevision, PodTemplateSpec, Stored, selectorMatches } from '@fairlead/api';
import { ApiError, deepEqual, type Informer, isNotFound } from '@fairlead/client';
import type { ControllerContext } from '../controller.ts';
import { type OwnerKind, ownerReference } from './pod-control.ts';
import { controllerOf } from './pod-state.ts';
import { controllerRevisions } from './resource-refs.ts';
import { templateHash } from './template-hash.ts';

/** Label of Pods and revisions: which revision of the template they are of. */
export const revisionLabel = 'controller-revision-hash';

/** What an owner has whose template has a history. */
export interface RevisionedParts {
  readonly spec?:
    | {
        selector: Parameters<typeof selectorMatches>[0];
        template: PodTemplateSpec;
        revisionHistoryLimit?: number | undefined;
      }
    | undefined;
  readonly status?: { collisionCount?: number | undefined } | undefined;
}

/** An owner whose template has a history. */
export type RevisionedOwner = Stored<RevisionedParts>;

/** The history of an owner's template, oldest first, the present one included. */
export interface RevisionHistory {
  readonly all: readonly Stored<ControllerRevision>[];
  readonly present: Stored<ControllerRevision>;
}

/** What a revision keeps: a patch that puts the template back, as `kubectl rollout undo` applies it. */
function revisionData(template: PodTemplateSpec): object {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = data.spec.template;
  return template;
}

/** The owner's revisions with the present template among them: an equal older one gets the highest number again. */
export async function syncRevisions(
  context: ControllerContext,
  informer: Informer<ControllerRevision>,
  owner: RevisionedOwner,
  about: OwnerKind,
): Promise<RevisionHistory> {
  await informer.synced;
  const { name, namespace, uid } = owner.metadata;
  const template = owner.spec!.template;
  const own = [...informer.values()]
    .filter((revision) => controllerOf(revision)?.uid === uid)
    .sort((a, b) => a.revision - b.revision);
  const highest = own.at(-1)?.revision ?? 0;
  const data = revisionData(template);
  const equal = own.findLast((revision) => deepEqual(revision.data, data));
  if (equal !== undefined) {
    if (equal.revision === highest) return { all: own, present: equal };
    const raised = await context.client.update(controllerRevisions, { ...equal, revision: highest + 1 });
    await informer.caughtUp(raised.metadata.resourceVersion);
    return { all: [...own.filter((revision) => revision !== equal), raised], present: raised };
  }
  for (let collisions = owner.status?.collisionCount ?? 0; ; collisions++) {
    const hash = templateHash(template, collisions);
    const revision: ControllerRevision = {
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...template.metadata?.labels, [revisionLabel]: hash },
        ...(owner.metadata.annotations === undefined ? {} : { annotations: owner.metadata.annotations }),
        ownerReferences: [ownerReference(owner, about)],
      },
      data: data as NonNullable<ControllerRevision['data']>,
      revision: highest + 1,
    };
    try {
      const created = await context.client.create(controllerRevisions, revision);
      await informer.caughtUp(created.metadata.resourceVersion);
      return { all: [...own, created], present: created };
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
      const there = await context.client.get(controllerRevisions, { name: `${name}-${hash}`, namespace: namespace! });
      // Our own from a moment ago; anybody else's makes another hash necessary.
      if (controllerOf(there)?.uid === uid && deepEqual(there.data, data))
        return { all: [...own, there], present: there };
    }
  }
}

/** Deletes the oldest revisions that nobody uses, down to the owner's limit. */
export async function trimRevisions(
  context: ControllerContext,
  history: RevisionHistory,
  used: ReadonlySet<string>,
  limit: number,
): Promise<void> {
  const idle = history.all.filter((revision) => revision !== history.present && !used.has(revision.metadata.name));
  for (const { metadata } of idle.slice(0, Math.max(0, idle.length - limit))) {
    const { name, namespace = '' } = metadata;
    await context.client.delete(controllerRevisions, { name, namespace }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
