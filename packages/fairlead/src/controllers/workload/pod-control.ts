import { type LabelSelector, type OwnerReference, type Pod, pods, type Stored, selectorMatches } from '@fairlead/api';
import { ApiError, type EventRecorder, type Informer, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { ControllerContext } from '../controller.ts';
import { controllerOf, isPodFinished } from './pod-state.ts';

/** Kind of an owner, as in owner references and events. */
export interface OwnerKind {
  readonly kind: string;
  readonly apiVersion: string;
}

type Owner = Stored<object>;

/** The reference that makes an object its owner's. */
export function ownerReference(owner: Owner, about: OwnerKind): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: about.apiVersion, kind: about.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Takes and gives up, makes and deletes the Pods of one kind of owner; a caller's cache is up to date afterwards. */
export class PodControl {
  readonly informer: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #events: EventRecorder;
  readonly #about: OwnerKind;
  /** `owner:UID` and `orphan:NAMESPACE`. */
  readonly #byOwner;
  readonly #deleted = new Set<string>();

  /** @param wake told the key of each owner whose Pods changed; for an orphan, of every owner that could take it */
  constructor(
    context: ControllerContext,
    about: OwnerKind,
    events: EventRecorder,
    wake: (key: string) => void,
    owners: () => Iterable<Owner>,
  ) {
    this.#context = context;
    this.#about = about;
    this.#events = events;
    this.informer = context.informers.informer(pods);
    const all = context.informers.collection(pods);
    this.#byOwner = groupBy<Stored<Pod>>('pods by owner', all, (pod) => {
      const owner = controllerOf(pod);
      return owner === undefined ? `orphan:${pod.metadata.namespace}` : `owner:${owner.uid}`;
    });
    all.subscribe((changes) => {
      for (const change of changes) {
        if (change.new === undefined && change.old !== undefined) this.#deleted.delete(change.old.metadata.uid);
        for (const pod of [change.old, change.new]) {
          if (pod === undefined) continue;
          const owner = controllerOf(pod);
          const { namespace } = pod.metadata;
          if (owner?.kind === about.kind) wake(`${namespace}/${owner.name}`);
          if (owner !== undefined) continue;
          for (const { metadata } of owners()) {
            if (metadata.namespace === namespace) wake(`${namespace}/${metadata.name}`);
          }
        }
      }
    });
  }

  /** The owner's Pods, after orphans that match were adopted and strays given up. Deletions asked for show as such. */
  async claim(owner: Owner, selector: LabelSelector | undefined): Promise<Stored<Pod>[]> {
    await this.informer.synced;
    const { uid, namespace, deletionTimestamp } = owner.metadata;
    const matches = (pod: Pod): boolean => selectorMatches(selector, pod.metadata?.labels);
    const own = this.#byOwner.get(`owner:${uid}`) ?? [];
    if (deletionTimestamp !== undefined) return [...own];
    const kept = own.filter(matches);
    for (const pod of own) {
      if (!matches(pod) && pod.metadata.deletionTimestamp === undefined) {
        const rest = (pod.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
        await this.#patchOwners(pod, rest.length === 0 ? null : rest);
      }
    }
    for (const pod of this.#byOwner.get(`orphan:${namespace}`) ?? []) {
      if (!matches(pod) || pod.metadata.deletionTimestamp !== undefined || isPodFinished(pod)) continue;
      const references = [...(pod.metadata.ownerReferences ?? []), ownerReference(owner, this.#about)];
      kept.push(await this.#patchOwners(pod, references));
    }
    return kept;
  }

  /** Whether the deletion of a Pod was asked for, here or by anybody. */
  isLeaving(pod: Stored<Pod>): boolean {
    return pod.metadata.deletionTimestamp !== undefined || this.#deleted.has(pod.metadata.uid);
  }

  /**
   * Creates Pods in batches that double, so that a template that is refused costs one request and not hundreds.
   * @returns the first failure; a Pod that is there already is none
   */
  async create(owner: Owner, wanted: readonly Pod[], text: (name: string) => string): Promise<unknown> {
    let version = '0';
    let failure: unknown;
    for (let done = 0, batch = 1; done < wanted.length && failure === undefined; done += batch, batch *= 2) {
      const part = wanted.slice(done, done + batch);
      const results = await Promise.allSettled(part.map((pod) => this.#context.client.create(pods, pod)));
      for (const result of results) {
        if (result.status === 'fulfilled') {
          const { name, resourceVersion } = result.value.metadata;
          if (Number(resourceVersion) > Number(version)) version = resourceVersion;
          this.#events.record(owner, 'Normal', 'SuccessfulCreate', text(name), this.#about);
        } else if (!isExpected(result.reason)) failure ??= result.reason;
      }
    }
    await this.informer.caughtUp(version);
    if (failure !== undefined) {
      const message = `Error creating: ${(failure as Error).message}`;
      this.#events.record(owner, 'Warning', 'FailedCreate', message, this.#about);
    }
    return failure;
  }

  /** Deletes a Pod once. */
  async remove(owner: Owner, pod: Stored<Pod>, text: string): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    if (this.isLeaving(pod)) return;
    this.#deleted.add(uid);
    try {
      await this.#context.client.delete(pods, { name, namespace }, { preconditions: { uid } });
      this.#events.record(owner, 'Normal', 'SuccessfulDelete', text, this.#about);
    } catch (error) {
      if (isNotFound(error) || (error instanceof ApiError && error.code === 409)) return;
      this.#deleted.delete(uid);
      throw error;
    }
  }

  async #patchOwners(pod: Stored<Pod>, ownerReferences: readonly OwnerReference[] | null): Promise<Stored<Pod>> {
    const { name, namespace = '', uid } = pod.metadata;
    const body = { metadata: { uid, ownerReferences } };
    const patched = await this.#context.client.patch(pods, { name, namespace }, 'merge', body);
    await this.informer.caughtUp(patched.metadata.resourceVersion);
    return patched;
  }
}

/** There already, or its namespace is going: nothing to complain about. */
function isExpected(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.reason === 'AlreadyExists') return true;
  return error.status?.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}
