import type { Pod, ResourceRef, Stored } from '@fairlead/api';
import { deepEqual, type Informer } from '@fairlead/client';
import type { Running } from '../../sys/role.ts';
import type { ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue, type WorkQueue } from '../work-queue.ts';
import { type OwnerKind, PodControl } from './pod-control.ts';
import { controllerRevisions } from './resource-refs.ts';
import { type RevisionedParts, type RevisionHistory, syncRevisions, trimRevisions } from './revisions.ts';

const defaultHistory = 10;
/** Pods that one turn makes at most; the rest follows in the next. */
const maxPerSync = 250;

/** What is to be done for one owner now. */
export interface RevisionedDecision<Status> {
  readonly create: readonly Pod[];
  readonly remove: readonly Stored<Pod>[];
  readonly status: Status;
  /** Names of revisions that Pods still have. */
  readonly used: ReadonlySet<string>;
  /** When to look again although nothing changed, milliseconds. */
  readonly againAfterMs: number | undefined;
}

/** A kind of owner whose Pods come from a template with a history. */
export interface RevisionedKind<Owner extends RevisionedParts> {
  readonly about: OwnerKind;
  readonly resource: ResourceRef<Owner>;
  /** What has to be known before the first decision, beside owners, Pods and revisions. */
  readonly synced?: Promise<void>;
  /** Decides for one owner; `leaving` tells whether a Pod's deletion was asked for. */
  decide(
    owner: Stored<Owner>,
    owned: readonly Stored<Pod>[],
    history: RevisionHistory,
    leaving: (pod: Stored<Pod>) => boolean,
  ): RevisionedDecision<Owner['status']>;
  /** What comes before Pods are made and removed, beside them. */
  prepare?(
    owner: Stored<Owner>,
    owned: readonly Stored<Pod>[],
    decision: RevisionedDecision<Owner['status']>,
  ): Promise<void>;
  createdText(owner: Stored<Owner>, pod: string): string;
  removedText(owner: Stored<Owner>, pod: string): string;
}

/** Keeps the Pods of all owners of a kind as it decides; the queue is for those that wake owners up. */
export class RevisionedController<Owner extends RevisionedParts> implements Running {
  readonly #context: ControllerContext;
  readonly #kind: RevisionedKind<Owner>;
  readonly #owners: Informer<Owner>;
  readonly #revisions;
  readonly #pods: PodControl;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext, name: string, kind: RevisionedKind<Owner>) {
    this.#context = context;
    this.#kind = kind;
    this.#queue = startWorkQueue({ ...context, name, sync: (key) => this.#sync(key) });
    this.#owners = context.informers.informer(kind.resource);
    this.#revisions = context.informers.informer(controllerRevisions);
    this.#pods = new PodControl(
      context,
      kind.about,
      context.recorder(`${name}-controller`),
      (key) => this.#queue.add(key),
      () => this.#owners.values(),
    );
    context.informers.collection(kind.resource).subscribe((changes) => {
      for (const change of changes) this.#queue.add(change.key);
    });
  }

  /** Looks at every owner again. */
  wakeAll(): void {
    for (const { metadata } of this.#owners.values()) this.#queue.add(`${metadata.namespace}/${metadata.name}`);
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #sync(key: string): Promise<SyncResult> {
    await this.#kind.synced;
    const owner = this.#owners.get(key);
    if (owner?.spec === undefined) return undefined;
    const kind = this.#kind;
    const owned = await this.#pods.claim(owner, owner.spec.selector);
    const history = await syncRevisions(this.#context, this.#revisions, owner, kind.about);
    const decision = kind.decide(owner, owned, history, this.#pods.isLeaving.bind(this.#pods));
    await kind.prepare?.(owner, owned, decision);
    const wanted = decision.create.slice(0, maxPerSync);
    const failure = await this.#pods.create(owner, wanted, (pod) => kind.createdText(owner, pod));
    for (const pod of decision.remove) {
      await this.#pods.remove(owner, pod, kind.removedText(owner, pod.metadata.name));
    }
    if (!deepEqual(owner.status, decision.status)) {
      const next = { ...owner, status: decision.status };
      const { metadata } = await this.#context.client.update(kind.resource, next, { subresource: 'status' });
      await this.#owners.caughtUp(metadata.resourceVersion);
    }
    if (failure !== undefined) throw failure;
    await trimRevisions(this.#context, history, decision.used, owner.spec.revisionHistoryLimit ?? defaultHistory);
    if (decision.create.length > maxPerSync) this.#queue.add(key);
    return decision.againAfterMs === undefined ? undefined : { againAfterMs: decision.againAfterMs };
  }
}
