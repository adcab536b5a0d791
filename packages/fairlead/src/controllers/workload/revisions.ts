import type { ControllerRevision, PodTemplateSpec, Stored, selectorMatches } from '@fairlead/api';
import { ApiError, deepEqual, type Informer, isNotFound } from '@fairlead/client';
import type { ControllerContext } from '../controller.ts';
import { type OwnerKind, ownerReference } from './pod-control.ts';
import { controllerOf } from './pod-state.ts';
import { controllerRevisions } from './resource-refs.ts';
import { revisionData, revisionHash, templateHash } from './template-hash.ts';

/** Label of Pods, and of revisions of DaemonSets: which revision of the template they are of. */
export const revisionLabel = 'controller-revision-hash';

/** Label of revisions of StatefulSets, whose Pods are labelled with the revision's whole name. */
const contentLabel = 'controller.kubernetes.io/hash';

/** Of the owner's name in that of a StatefulSet's revision. */
const longestPrefix = 223;

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

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = data.spec.template;
  return template;
}

/** How a revision is called and labelled; `collisions`: how often others had the name. As the owner's kind does it. */
function revisionName(
  template: PodTemplateSpec,
  data: unknown,
  owner: RevisionedOwner,
  about: OwnerKind,
  collisions: number,
): { readonly name: string; readonly labels: Record<string, string> } {
  const { name } = owner.metadata;
  if (about.kind === 'StatefulSet') {
    const hash = revisionHash(data, collisions);
    return {
      name: `${name.slice(0, longestPrefix)}-${hash}`,
      labels: { ...template.metadata?.labels, [contentLabel]: hash },
    };
  }
  const hash = templateHash(
    template,
    owner.status?.collisionCount === undefined && collisions === 0 ? undefined : collisions,
  );
  return { name: `${name}-${hash}`, labels: { ...template.metadata?.labels, [revisionLabel]: hash } };
}

/** Whether a revision keeps this; what is written more shortly counts as the same. */
function keeps(revision: ControllerRevision, data: object): boolean {
  const kept = templateOf(revision);
  return deepEqual(revision.data, data) || (kept !== undefined && deepEqual(revisionData(kept), data));
}

/** The owner's revisions with the present template among them: an equal older one gets the highest number again. */
export async function syncRevisions(
  context: ControllerContext,
  informer: Informer<ControllerRevision>,
  owner: RevisionedOwner,
  about: OwnerKind,
): Promise<RevisionHistory> {
  await informer.synced;
  const { namespace, uid } = owner.metadata;
  const template = owner.spec!.template;
  const own = [...informer.values()]
    .filter((revision) => controllerOf(revision)?.uid === uid)
    .sort((a, b) => a.revision - b.revision);
  const highest = own.at(-1)?.revision ?? 0;
  const data = revisionData(template);
  const equal = own.findLast((revision) => keeps(revision, data));
  if (equal !== undefined) {
    if (equal.revision === highest) return { all: own, present: equal };
    const raised = await context.client.update(controllerRevisions, { ...equal, revision: highest + 1 });
    await informer.caughtUp(raised.metadata.resourceVersion);
    return { all: [...own.filter((revision) => revision !== equal), raised], present: raised };
  }
  for (let collisions = owner.status?.collisionCount ?? 0; ; collisions++) {
    const called = revisionName(template, data, owner, about, collisions);
    const revision: ControllerRevision = {
      metadata: {
        ...called,
        ...(namespace === undefined ? {} : { namespace }),
        ...(owner.metadata.annotations === undefined ? {} : { annotations: owner.metadata.annotations }),
        ownerReferences: [ownerReference(owner, about)],
      },
      data,
      revision: highest + 1,
    };
    try {
      const created = await context.client.create(controllerRevisions, revision);
      await informer.caughtUp(created.metadata.resourceVersion);
      return { all: [...own, created], present: created };
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
      const there = await context.client.get(controllerRevisions, { name: called.name, namespace: namespace! });
      // Our own from a moment ago; anybody else's makes another hash necessary.
      if (controllerOf(there)?.uid === uid && keeps(there, data)) return { all: [...own, there], present: there };
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
