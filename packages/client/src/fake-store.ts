import { apiVersionOf, type ResourceRef, type StoredMeta } from '@fairlead/api';
import { deepEqual } from './deep-equal.ts';

/** Any object, as the fake keeps it: deeply frozen, so that a caller's mutation fails the test. */
export interface AnyObject {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: StoredMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** One entry of the fake's history. `object` of a deletion has the deletion's version. */
export interface FakeEvent {
  readonly version: number;
  readonly resource: string;
  readonly old: AnyObject | undefined;
  readonly new: AnyObject | undefined;
  readonly object: AnyObject;
}

/** `group/plural`: the versions of a resource share one store. */
export function resourceKey(ref: { readonly group: string; readonly plural: string }): string {
  return `${ref.group}/${ref.plural}`;
}

/** Freezes a JSON value through and through. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/** Objects by resource and key under one revision, with a history that can be compacted. */
export class FakeStore {
  readonly #objects = new Map<string, Map<string, AnyObject>>();
  readonly #subscribers = new Set<() => void>();
  #history: FakeEvent[] = [];
  #compacted = 0;
  #revision = 1;

  get revision(): number {
    return this.#revision;
  }

  /** Versions up to this one cannot be watched any more. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  get(resource: string, key: string): AnyObject | undefined {
    return this.#objects.get(resource)?.get(key);
  }

  /** All objects of a resource, ordered by key. */
  list(resource: string): AnyObject[] {
    const entries = [...(this.#objects.get(resource) ?? [])];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  resources(): readonly string[] {
    return [...this.#objects.keys()];
  }

  /** Stores an object under a new version, unless nothing but the version would change. */
  put(ref: ResourceRef<unknown>, key: string, object: AnyObject): AnyObject {
    const resource = resourceKey(ref);
    const old = this.get(resource, key);
    const same: AnyObject = {
      kind: ref.kind,
      apiVersion: apiVersionOf(ref),
      ...object,
      metadata: { ...object.metadata, resourceVersion: old?.metadata.resourceVersion ?? '' },
    };
    if (old !== undefined && deepEqual(same, old)) return old;
    const version = ++this.#revision;
    const stored = deepFreeze({ ...same, metadata: { ...same.metadata, resourceVersion: String(version) } });
    let objects = this.#objects.get(resource);
    if (objects === undefined) {
      objects = new Map();
      this.#objects.set(resource, objects);
    }
    objects.set(key, stored);
    this.#publish({ version, resource, old, new: stored, object: stored });
    return stored;
  }

  remove(resource: string, key: string): AnyObject | undefined {
    const old = this.get(resource, key);
    if (old === undefined) return undefined;
    this.#objects.get(resource)?.delete(key);
    const version = ++this.#revision;
    const object = deepFreeze({ ...old, metadata: { ...old.metadata, resourceVersion: String(version) } });
    this.#publish({ version, resource, old, new: undefined, object });
    return object;
  }

  /** What happened to a resource after a version. */
  since(resource: string, version: number): readonly FakeEvent[] {
    return this.#history.filter((event) => event.version > version && event.resource === resource);
  }

  /** Forgets the history: watches from before now are answered with 410. */
  compact(): void {
    this.#history = [];
    this.#compacted = this.#revision;
  }

  /** Calls back after every change. Returns the unsubscriber. */
  subscribe(callback: () => void): () => void {
    this.#subscribers.add(callback);
    return () => this.#subscribers.delete(callback);
  }

  #publish(event: FakeEvent): void {
    this.#history.push(event);
    for (const callback of [...this.#subscribers]) callback();
  }
}
