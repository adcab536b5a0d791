import {
  fieldText,
  matchesFields,
  matchesLabels,
  type ObjectKey,
  type ObjectMeta,
  objectKey,
  parseFieldSelector,
  parseLabelSelector,
  type ResourceRef,
  type Status,
  type Stored,
} from '@fairlead/api';
import { jsonPatch } from '@fairlead/api/patch/json-patch';
import { mergePatch } from '@fairlead/api/patch/merge-patch';
import { strategicMergePatch } from '@fairlead/api/patch/strategic-merge';
import {
  type ApiClient,
  ApiError,
  type DeleteOptions,
  type ListOptions,
  type ObjectList,
  type ObjectName,
  type PatchType,
  type WatchEventOf,
  type WatchOptions,
  type WriteOptions,
} from './api-client.ts';
import { type Clock, machineClock } from './clock.ts';
import { deepEqual } from './deep-equal.ts';
import { answerRequest } from './fake-requests.ts';
import { type AnyObject, FakeStore, resourceKey } from './fake-store.ts';

/** Options of {@link FakeApi}. */
export interface FakeApiOptions {
  readonly clock?: Pick<Clock, 'now'>;
  /** Delay every answer by one turn of the event loop, as a network would. Default true. */
  readonly asynchronous?: boolean;
}

/** One call that reached the fake, for assertions. */
export interface FakeCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'request';
  readonly resource: string;
  readonly key: ObjectKey;
  readonly subresource: string | undefined;
}

type Mutable = Record<string, unknown> & { metadata: Record<string, unknown> };

/** Kinds whose `metadata.generation` counts spec changes. */
const withGeneration = new Set(['apps/deployments', 'apps/replicasets', 'discovery.k8s.io/endpointslices', '/pods']);

/**
 * A stateful API server in memory, for tests: versions, conflicts, selectors, watches, finalizers,
 * graceful Pod deletion, propagation policies, status and scale subresources, bindings, namespaces.
 * It neither validates nor allocates. What it returns is frozen.
 */
export class FakeApi implements ApiClient {
  readonly store: FakeStore = new FakeStore();
  /** Every call so far, oldest first. Clear it with `calls.length = 0`. */
  readonly calls: FakeCall[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #asynchronous: boolean;
  readonly #disconnects = new Set<() => void>();
  readonly #failures: ((call: FakeCall) => ApiError | undefined)[] = [];
  #reachable = true;
  #uid = 0;

  constructor(options: FakeApiOptions = {}) {
    this.#clock = options.clock ?? machineClock;
    this.#asynchronous = options.asynchronous ?? true;
  }

  /** While false, calls fail with code 0 and all watches end. */
  setReachable(reachable: boolean): void {
    this.#reachable = reachable;
    if (!reachable) this.disconnect();
  }

  /** Ends all watches, as a restart of the server does. */
  disconnect(): void {
    for (const end of [...this.#disconnects]) end();
  }

  /** Makes calls fail for which `failure` returns an error. Returns the function that ends this. */
  failWhen(failure: (call: FakeCall) => ApiError | undefined): () => void {
    this.#failures.push(failure);
    return () => void this.#failures.splice(this.#failures.indexOf(failure), 1);
  }

  /** Creates an object as given, status included; for the state a test starts from. */
  seed<T>(ref: ResourceRef<T>, object: T): Stored<T> {
    const metadata = this.#newMetadata(ref, metadataOf(object));
    const stored = this.store.put(ref, objectKey({ metadata }), { ...(object as object), metadata } as AnyObject);
    return stored as Stored<T>;
  }

  async get<T>(ref: ResourceRef<T>, name: ObjectName): Promise<Stored<T>> {
    await this.#enter('get', ref, name);
    return this.#existing(ref, name) as Stored<T>;
  }

  async list<T>(ref: ResourceRef<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    await this.#enter('list', ref, { name: '', ...options });
    const selected = this.#selects(options);
    const all = this.store.list(resourceKey(ref)).filter(selected);
    const start = options.continue === undefined ? 0 : Number(options.continue.split(':')[1]);
    const version = options.continue?.split(':')[0] ?? String(this.store.revision);
    if (Number(version) < this.store.compactedRevision) throw expired();
    const end = options.limit === undefined ? all.length : Math.min(all.length, start + options.limit);
    return {
      items: all.slice(start, end) as Stored<T>[],
      resourceVersion: version,
      ...(end < all.length ? { continue: `${version}:${end}` } : {}),
    };
  }

  async create<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const meta = metadataOf(object);
    await this.#enter('create', ref, { name: meta.name ?? '', ...namespaceOf(meta) }, options.subresource);
    if (options.subresource === 'binding') return this.#bind(ref, object);
    const space = meta.namespace === undefined ? undefined : this.store.get('/namespaces', meta.namespace);
    if (space?.metadata.deletionTimestamp !== undefined) {
      const text = `unable to create new content in namespace ${meta.namespace} because it is being terminated`;
      throw new ApiError(403, 'Forbidden', text, {
        status: { details: { causes: [{ reason: 'NamespaceTerminating' }] } },
      });
    }
    const metadata = this.#newMetadata(ref, meta);
    const key = objectKey({ metadata });
    if (this.store.get(resourceKey(ref), key) !== undefined) {
      throw new ApiError(409, 'AlreadyExists', `${ref.plural} "${metadata.name}" already exists`);
    }
    const body = structuredClone(object) as Mutable;
    if (resourceKey(ref) === '/pods') body.status ??= { phase: 'Pending' };
    if (resourceKey(ref) === '/namespaces') {
      body.spec = { finalizers: ['kubernetes'], ...(body.spec as object | undefined) };
      body.status = { phase: 'Active' };
    }
    const created = { ...body, metadata } as unknown as AnyObject;
    if (options.dryRun === true) return created as unknown as Stored<T>;
    return this.store.put(ref, key, created) as Stored<T>;
  }

  async update<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const meta = metadataOf(object);
    await this.#enter('update', ref, { name: meta.name ?? '', ...namespaceOf(meta) }, options.subresource);
    return this.#write(ref, object, options) as Stored<T>;
  }

  async patch<T>(
    ref: ResourceRef<T>,
    name: ObjectName,
    type: PatchType,
    body: unknown,
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<Stored<T>> {
    await this.#enter('patch', ref, name, options.subresource);
    const found = this.store.get(resourceKey(ref), keyOf(name));
    if (found === undefined && type === 'apply') {
      const { metadata, ...rest } = structuredClone(body) as Mutable;
      return this.create(ref, { ...rest, metadata: { ...metadata, ...name } } as T, options);
    }
    const current = structuredClone(this.#existing(ref, name)) as unknown;
    const typeId = `${ref.group === '' ? 'core' : ref.group.split('.')[0]}.${ref.version}.${ref.kind}`;
    const patched = (
      type === 'json'
        ? jsonPatch(current, body)
        : type === 'merge'
          ? mergePatch(current, structuredClone(body))
          : strategicMergePatch(typeId, current, structuredClone(body))
    ) as Mutable;
    if ((body as { metadata?: ObjectMeta }).metadata?.resourceVersion === undefined) {
      delete patched.metadata.resourceVersion;
    }
    return this.#write(ref, patched, options) as Stored<T>;
  }

  async delete<T>(ref: ResourceRef<T>, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    await this.#enter('delete', ref, name);
    const object = this.#existing(ref, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = object;
    if (
      (uid ?? metadata.uid) !== metadata.uid ||
      (resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion
    ) {
      throw new ApiError(409, 'Conflict', `the precondition of deleting ${ref.plural} "${name.name}" does not hold`);
    }
    const finalizers = new Set(metadata.finalizers);
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    const spec = object.spec as
      | { readonly nodeName?: string; readonly terminationGracePeriodSeconds?: number }
      | undefined;
    const isPod = resourceKey(ref) === '/pods';
    const isNamespace = resourceKey(ref) === '/namespaces';
    const graceSeconds =
      isPod && spec?.nodeName !== undefined
        ? (options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30)
        : 0;
    const key = keyOf(name);
    if (finalizers.size === 0 && graceSeconds === 0 && !isNamespace) {
      this.store.remove(resourceKey(ref), key);
      return;
    }
    const deletionTimestamp = metadata.deletionTimestamp ?? this.#time(graceSeconds * 1000);
    this.store.put(ref, key, {
      ...object,
      ...(isNamespace ? { status: { phase: 'Terminating' } } : {}),
      metadata: {
        ...metadata,
        deletionTimestamp,
        deletionGracePeriodSeconds: graceSeconds,
        ...(finalizers.size === 0 ? {} : { finalizers: [...finalizers] }),
      },
    });
  }

  async *watch<T>(ref: ResourceRef<T>, options: WatchOptions = {}): AsyncGenerator<WatchEventOf<T>, void, undefined> {
    await this.#enter('watch', ref, { name: '', ...options });
    const { signal } = options;
    let wake: () => void = () => undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      wake();
    };
    const unsubscribe = this.store.subscribe(() => wake());
    this.#disconnects.add(end);
    signal?.addEventListener('abort', end, { once: true });
    try {
      const selected = this.#selects(options);
      const resource = resourceKey(ref);
      let version = Number(options.resourceVersion ?? this.store.revision);
      if (
        options.resourceVersion === undefined ||
        options.resourceVersion === '0' ||
        options.sendInitialEvents === true
      ) {
        version = this.store.revision;
        for (const object of this.store.list(resource).filter(selected))
          yield { type: 'ADDED', object: object as Stored<T> };
        if (options.sendInitialEvents === true) {
          const annotations = { 'k8s.io/initial-events-end': 'true' };
          yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version), annotations } } };
        }
      }
      if (version < this.store.compactedRevision) {
        yield { type: 'ERROR', object: expired().status as Status };
        return;
      }
      while (!ended && signal?.aborted !== true) {
        for (const event of this.store.since(resource, version)) {
          version = event.version;
          const before = event.old !== undefined && selected(event.old);
          const after = event.new !== undefined && selected(event.new);
          if (!before && !after) continue;
          const type = !after ? 'DELETED' : before ? 'MODIFIED' : 'ADDED';
          const object = after ? event.object : { ...event.object, metadata: { ...event.object.metadata } };
          yield { type, object: object as Stored<T> };
          if (ended) return;
        }
        if (this.store.since(resource, version).length > 0 || ended) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (this.#asynchronous) await nextTurn();
      }
    } finally {
      unsubscribe();
      this.#disconnects.delete(end);
      signal?.removeEventListener('abort', end);
    }
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    await this.#enter('request', { group: '', plural: path }, { name: method });
    return answerRequest(this, method, path, body, headers);
  }

  /** What {@link request} answers, in one piece. */
  async *stream(path: string): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = await this.request('GET', path);
    yield Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
  }

  async close(): Promise<void> {
    this.disconnect();
  }

  #bind<T>(ref: ResourceRef<T>, object: T): Stored<T> {
    const meta = metadataOf(object);
    const name = { name: meta.name ?? '', ...namespaceOf(meta) };
    const pod = this.#existing(ref, name);
    const spec = pod.spec as { readonly nodeName?: string };
    if (spec.nodeName !== undefined) {
      throw new ApiError(409, 'Conflict', `pod ${name.name} is already assigned to node "${spec.nodeName}"`);
    }
    const { target } = object as { readonly target?: { readonly name?: string } };
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: this.#time(0) };
    const status = pod.status as { readonly conditions?: readonly { readonly type: string }[] } | undefined;
    const conditions = [...(status?.conditions ?? []).filter((entry) => entry.type !== 'PodScheduled'), scheduled];
    const bound = { ...pod, spec: { ...spec, nodeName: target?.name }, status: { ...status, conditions } };
    return this.store.put(ref, keyOf(name), bound) as Stored<T>;
  }

  #write(ref: ResourceRef<unknown>, object: unknown, options: WriteOptions): AnyObject {
    const meta = metadataOf(object);
    const name = { name: meta.name ?? '', ...namespaceOf(meta) };
    const old = this.#existing(ref, name);
    if (meta.resourceVersion !== undefined && meta.resourceVersion !== old.metadata.resourceVersion) {
      const text = 'the object has been modified; please apply your changes to the latest version and try again';
      throw new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${ref.plural} "${name.name}": ${text}`);
    }
    if (meta.uid !== undefined && meta.uid !== old.metadata.uid) {
      throw new ApiError(409, 'Conflict', `Precondition failed: UID in precondition: ${meta.uid}`);
    }
    const body = structuredClone(object) as Record<string, unknown>;
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation } = old.metadata;
    const kept = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation };
    let next: Record<string, unknown>;
    if (options.subresource === 'status') {
      // The status of a built-in kind takes annotations along, as that of a Deployment does with its revision.
      const { annotations } = meta;
      next = { ...old, metadata: { ...old.metadata, annotations }, status: body.status };
    } else if (options.subresource === 'finalize') next = { ...old, spec: body.spec };
    else if (options.subresource === 'scale') {
      const replicas = (body.spec as { readonly replicas?: number } | undefined)?.replicas;
      next = { ...old, spec: { ...(old.spec as object), replicas } };
    } else
      next = { ...body, metadata: { ...meta, ...kept }, ...(old.status === undefined ? {} : { status: old.status }) };
    let metadata = { ...(next.metadata as AnyObject['metadata']) };
    if (
      generation !== undefined &&
      !deepEqual(next.spec ?? next.endpoints, old.spec ?? (old as unknown as Record<string, unknown>).endpoints)
    ) {
      metadata = { ...metadata, generation: generation + 1 };
    }
    const result = { ...next, metadata: dropUndefined(metadata) } as unknown as AnyObject;
    if (options.dryRun === true) return result;
    const stored = this.store.put(ref, keyOf(name), result);
    this.#removeIfFinished(ref, name, stored);
    return stored;
  }

  /** An object under deletion goes when its last finalizer does (a namespace: when `/finalize` emptied it). */
  #removeIfFinished(ref: ResourceRef<unknown>, name: ObjectName, object: AnyObject): void {
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
    if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return;
    const spec = object.spec as { readonly finalizers?: readonly string[] } | undefined;
    if (resourceKey(ref) === '/namespaces' && (spec?.finalizers?.length ?? 0) > 0) return;
    if (resourceKey(ref) === '/pods' && (deletionGracePeriodSeconds ?? 0) > 0) return;
    this.store.remove(resourceKey(ref), keyOf(name));
  }

  #newMetadata(ref: ResourceRef<unknown>, meta: ObjectMeta): AnyObject['metadata'] {
    const uid = meta.uid ?? `00000000-0000-4000-8000-${String(++this.#uid).padStart(12, '0')}`;
    const suffix = (this.#uid * 7919).toString(36).padStart(5, '0').slice(-5);
    return {
      ...structuredClone(meta),
      name: meta.name ?? `${meta.generateName ?? ''}${suffix}`,
      uid,
      resourceVersion: '',
      creationTimestamp: meta.creationTimestamp ?? this.#time(0),
      ...(withGeneration.has(resourceKey(ref)) ? { generation: meta.generation ?? 1 } : {}),
      ...(resourceKey(ref) === '/namespaces'
        ? { labels: { 'kubernetes.io/metadata.name': meta.name ?? '', ...meta.labels } }
        : {}),
    };
  }

  #existing(ref: ResourceRef<unknown>, name: ObjectName): AnyObject {
    const object = this.store.get(resourceKey(ref), keyOf(name));
    if (object !== undefined) return object;
    const full = ref.group === '' ? ref.plural : `${ref.plural}.${ref.group}`;
    throw new ApiError(404, 'NotFound', `${full} "${name.name}" not found`);
  }

  #selects(options: ListOptions | WatchOptions): (object: AnyObject) => boolean {
    const labels = parseLabelSelector(options.labelSelector ?? '');
    const fields = parseFieldSelector(options.fieldSelector ?? '');
    if (!labels.ok) throw new ApiError(400, 'BadRequest', labels.error);
    if (!fields.ok) throw new ApiError(400, 'BadRequest', fields.error);
    const { namespace = '' } = options;
    return (object) =>
      (namespace === '' || object.metadata.namespace === namespace) &&
      matchesLabels(labels.requirements, object.metadata.labels) &&
      matchesFields(fields.requirements, (field) => fieldText(object, field));
  }

  async #enter(
    verb: FakeCall['verb'],
    ref: { readonly group: string; readonly plural: string },
    name: { readonly name: string; readonly namespace?: string | undefined },
    subresource?: string,
  ): Promise<void> {
    if (this.#asynchronous) await nextTurn();
    const call: FakeCall = { verb, resource: resourceKey(ref), key: keyOf(name), subresource };
    this.calls.push(call);
    if (!this.#reachable) throw new ApiError(0, 'Unreachable', 'the fake is switched off');
    for (const failure of this.#failures) {
      const error = failure(call);
      if (error !== undefined) throw error;
    }
  }

  #time(laterMs: number): string {
    return `${new Date(this.#clock.now() + laterMs).toISOString().slice(0, 19)}Z`;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function keyOf(name: { readonly name: string; readonly namespace?: string | undefined }): ObjectKey {
  return objectKey({ metadata: { name: name.name, namespace: name.namespace } });
}

function namespaceOf(meta: ObjectMeta): { readonly namespace?: string } {
  return meta.namespace === undefined ? {} : { namespace: meta.namespace };
}

function metadataOf(object: unknown): ObjectMeta {
  return (object as { readonly metadata?: ObjectMeta }).metadata ?? {};
}

function dropUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

function expired(): ApiError {
  const message = 'too old resource version';
  const status: Status = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message };
  return new ApiError(410, 'Expired', message, { status });
}
