import type { Definition } from '@fairlead/api/crd/index';
import { managedType, trackUpdate } from '@fairlead/api/patch/apply/index';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ServedResource, ServedResources } from '../resources/served-resources.ts';
import { timestamp } from '../rest/rest-context.ts';
import type { Storage } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import { withDeletionCondition } from './definition-deletion.ts';
import { type DefinitionCondition, decideNames } from './definition-names.ts';
import { resourcesOf, storePrefix } from './served-definition.ts';
import { compareVersions } from './version-order.ts';

const definitionFields = managedType('apiextensions.v1.CustomResourceDefinition');

/** Keeps a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** What the registry works on. */
export interface RegistryContext {
  readonly storage: Storage;
  readonly cache: ObjectCache;
  readonly served: ServedResources;
  readonly clock: Clock;
  readonly random: Random;
}

/** Deletes one object of a definition that is going away. */
export type DeleteObject = (resource: ServedResource, object: KubeObject) => Promise<void>;

/**
 * Follows the CustomResourceDefinitions: accepts names, writes conditions, keeps the list of
 * served resources, and empties definitions that are deleted.
 *
 * Serving follows the stored object in the same turn as its commit, so that a client that has
 * seen `Established` finds the resource.
 */
export class DefinitionRegistry {
  readonly #context: RegistryContext;
  readonly #log: Log;
  readonly #deleteObject: DeleteObject;
  readonly #resource: ServedResource;
  /** Served resources by definition version: rebuilt only when the definition changed. */
  #built = new Map<string, { readonly stored: StoredObject; readonly resources: readonly ServedResource[] }>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #watched = new Map<string, () => void>();
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(context: RegistryContext, deleteObject: DeleteObject, log: Log) {
    this.#context = context;
    this.#deleteObject = deleteObject;
    this.#log = log;
    const resource = context.served.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
    if (resource === undefined) throw new Error('customresourcedefinitions are not served');
    this.#resource = resource;
    const cache = context.cache.resource(resource.prefix);
    this.#unsubscribe.push(
      cache.subscribe({
        namespace: '',
        name: undefined,
        receive: () => {
          this.#serve();
          this.#schedule();
        },
      }),
    );
    this.#serve();
    this.#schedule();
  }

  /** Resolves when every definition stored so far has been looked at. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Stops following; resolves when no write is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const unsubscribe of [...this.#unsubscribe, ...this.#watched.values()]) unsubscribe();
    await this.#work;
  }

  #definitions(): StoredObject[] {
    return this.#context.cache.resource(this.#resource.prefix).list('');
  }

  /** Publishes the resources of all established definitions. */
  #serve(): void {
    const next = new Map<string, { readonly stored: StoredObject; readonly resources: readonly ServedResource[] }>();
    for (const stored of this.#definitions()) {
      const definition = asDefinition(stored);
      if (!isEstablished(definition)) continue;
      const before = this.#built.get(stored.key);
      const same = before !== undefined && sameServing(before.stored, stored);
      const terminating = stored.object.metadata.deletionTimestamp !== undefined;
      next.set(stored.key, {
        stored,
        resources: same ? before.resources : resourcesOf(definition, terminating, this.#context),
      });
    }
    const unchanged =
      next.size === this.#built.size &&
      [...next].every(([key, { resources }]) => this.#built.get(key)?.resources === resources);
    this.#built = next;
    if (unchanged) return;
    const resources = [...next.values()].flatMap((entry) => entry.resources);
    const versions = new Map<string, Set<string>>();
    for (const { group, version } of resources) {
      const known = versions.get(group) ?? new Set();
      known.add(version);
      versions.set(group, known);
    }
    this.#context.served.setCustom(
      resources,
      [...versions]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([group, names]) => [...names].sort(compareVersions).map((name) => [group, name] as const)),
    );
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#work = this.#work.then(async () => {
      for (const stored of this.#definitions()) {
        if (this.#closed) return;
        try {
          await this.#reconcile(stored);
        } catch (error) {
          this.#log('error', 'definition not reconciled', { name: stored.object.metadata.name, error: String(error) });
        }
      }
    });
  }

  async #reconcile(stored: StoredObject): Promise<void> {
    const definition = asDefinition(stored);
    const { metadata } = stored.object;
    if (metadata.deletionTimestamp !== undefined) {
      if ((metadata.finalizers ?? []).includes(cleanupFinalizer)) await this.#empty(stored, definition);
      return;
    }
    const others = this.#definitions()
      .filter((other) => other.key !== stored.key)
      .map(asDefinition)
      .filter(({ spec }) => spec.group === definition.spec.group)
      .flatMap(({ status }) => (status?.acceptedNames === undefined ? [] : [status.acceptedNames]));
    const decision = decideNames(definition, others);
    const status = {
      ...definition.status,
      conditions: this.#conditions(stored, decision.conditions),
      acceptedNames: decision.acceptedNames,
      storedVersions: storedVersions(definition),
    };
    await this.#writeStatus(stored, status);
  }

  /** The new conditions; a condition that says the same as before keeps its time. */
  #conditions(stored: StoredObject, wanted: readonly DefinitionCondition[]): object[] {
    const { status } = stored.object as unknown as { status?: { conditions?: Record<string, unknown>[] | null } };
    const before = status?.conditions ?? [];
    const now = `${new Date(this.#context.clock.now()).toISOString().slice(0, 19)}Z`;
    const ours = new Set(wanted.map(({ type }) => type));
    return [
      ...wanted.map((condition) => {
        const old = before.find(({ type }) => type === condition.type);
        const sameStatus = old?.status === condition.status;
        const lastTransitionTime =
          sameStatus && typeof old.lastTransitionTime === 'string' ? old.lastTransitionTime : now;
        return {
          lastTransitionTime,
          message: condition.message,
          reason: condition.reason,
          status: condition.status,
          type: condition.type,
        };
      }),
      ...before.filter(({ type }) => !ours.has(String(type))),
    ];
  }

  async #writeStatus(stored: StoredObject, status: object): Promise<void> {
    const changed: KubeObject = { ...stored.object, status };
    if (JSON.stringify(sorted(status)) === JSON.stringify(sorted(stored.object.status))) return;
    const managedFields = this.#ownStatus(stored.object, changed);
    const next: KubeObject = { ...changed, metadata: { ...stored.object.metadata, managedFields } };
    const value = storedValue(next);
    // A conflict means a newer version, whose event brings us back here.
    await this.#context.storage.commit({ key: stored.key, expect: stored.modRevision, value, decoded: next });
  }

  /** The managed fields of a definition whose status the server itself writes. */
  #ownStatus(before: KubeObject, after: KubeObject): unknown[] | undefined {
    return trackUpdate({
      type: definitionFields,
      before,
      after,
      liveEntries: before.metadata.managedFields,
      givenEntries: undefined,
      manager: 'kube-apiserver',
      subresource: 'status',
      apiVersion: 'apiextensions.k8s.io/v1',
      time: timestamp(this.#context.clock),
      resetFields: { 'f:spec': {}, 'f:metadata': {} },
    }) as unknown[] | undefined;
  }

  /** Deletes the objects of a definition; takes the finalizer off when none are left. */
  async #empty(stored: StoredObject, definition: Definition): Promise<void> {
    const prefix = storePrefix(definition);
    const cache = this.#context.cache.resource(prefix);
    const left = cache.list('');
    if (left.length === 0) {
      this.#watched.get(prefix)?.();
      this.#watched.delete(prefix);
      const finalizers = (stored.object.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
      if (finalizers.length === 0) {
        await this.#context.storage.commit({ key: stored.key, expect: stored.modRevision, value: undefined });
        return;
      }
      const next: KubeObject = { ...stored.object, metadata: { ...stored.object.metadata, finalizers } };
      await this.#context.storage.commit({
        key: stored.key,
        expect: stored.modRevision,
        value: storedValue(next),
        decoded: next,
      });
      return;
    }
    await this.#writeStatus(stored, {
      ...definition.status,
      conditions: withDeletionCondition(stored.object, timestamp(this.#context.clock), 'in-progress'),
    });
    if (!this.#watched.has(prefix)) {
      const receive = (): void => {
        if (cache.size === 0) this.#schedule();
      };
      this.#watched.set(prefix, cache.subscribe({ namespace: '', name: undefined, receive }));
    }
    const resource = this.#built.get(stored.key)?.resources[0];
    if (resource === undefined) return;
    for (const { object } of left) {
      if (object.metadata.deletionTimestamp === undefined) await this.#deleteObject(resource, object);
    }
  }
}

/** A stored definition, seen with its type. */
function asDefinition(stored: StoredObject): Definition {
  return stored.object as unknown as Definition;
}

function isEstablished({ status }: Definition): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') === true
  );
}

/** True when nothing changed that serving depends on. */
function sameServing(before: StoredObject, now: StoredObject): boolean {
  if (before === now) return true;
  const deleted = (stored: StoredObject): boolean => stored.object.metadata.deletionTimestamp !== undefined;
  const text = (stored: StoredObject): string => {
    const { spec, status } = asDefinition(stored);
    return JSON.stringify([spec, status?.acceptedNames]);
  };
  return deleted(before) === deleted(now) && text(before) === text(now);
}

function storedVersions({ spec, status }: Definition): string[] {
  const storage = spec.versions.find((version) => version.storage)?.name;
  const known = status?.storedVersions ?? [];
  return storage === undefined || known.includes(storage) ? [...known] : [...known, storage];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
