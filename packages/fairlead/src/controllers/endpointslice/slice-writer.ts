import { type EndpointSlice, endpointSlices, type OwnerReference, type Stored } from '@fairlead/api';
import { deepEqual, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { ControllerContext } from '../controller.ts';
import type { NewSlice, SlicePlan } from './plan-slices.ts';

/** The Service that a slice belongs to. */
export const serviceNameLabel = 'kubernetes.io/service-name';
/** Who writes a slice. */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

/** Metadata that all slices of one owner carry. */
export interface SliceMetadata {
  /** Of the Service. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly owner: OwnerReference;
}

/** The slices that one controller manages, and how it writes them. */
export class SliceWriter {
  readonly #context: ControllerContext;
  readonly #informer;
  readonly #byService;
  readonly #deleted = new Set<string>();

  constructor(context: ControllerContext, managedBy: string, wake: (key: string) => void) {
    this.#context = context;
    this.#informer = context.informers.informer(endpointSlices);
    const slices = context.informers.collection(endpointSlices);
    const keyOf = (slice: Stored<EndpointSlice>): string | undefined => {
      const { labels = {}, namespace } = slice.metadata;
      return labels[managedByLabel] === managedBy ? `${namespace}/${labels[serviceNameLabel]}` : undefined;
    };
    this.#byService = groupBy('slices by service', slices, keyOf);
    slices.subscribe((changes) => {
      for (const { old, new: next } of changes) {
        if (next === undefined && old !== undefined) this.#deleted.delete(old.metadata.uid);
        for (const slice of [old, next]) {
          const key = slice === undefined ? undefined : keyOf(slice);
          if (key !== undefined) wake(key);
        }
      }
    });
  }

  get synced(): Promise<void> {
    return this.#informer.synced;
  }

  /** The live slices of a Service. */
  of(key: string): readonly Stored<EndpointSlice>[] {
    return (this.#byService.get(key) ?? []).filter(
      (slice) => slice.metadata.deletionTimestamp === undefined && !this.#deleted.has(slice.metadata.uid),
    );
  }

  /** Carries a plan out; slices whose labels alone are out of date are written too. */
  async write(plan: SlicePlan, meta: SliceMetadata, existing: readonly Stored<EndpointSlice>[]): Promise<void> {
    const { client } = this.#context;
    const planned = new Set([...plan.update, ...plan.remove].map((slice) => slice.metadata.uid));
    const relabel = existing.filter((slice) => !planned.has(slice.metadata.uid) && !carries(slice, meta));
    const versions: string[] = [];
    const { name, namespace, labels, owner } = meta;
    const annotations = Object.keys(meta.annotations).length === 0 ? {} : { annotations: { ...meta.annotations } };
    for (const slice of plan.create) {
      const metadata = {
        generateName: `${name}-`,
        namespace,
        labels: { ...labels },
        ...annotations,
        ownerReferences: [owner],
      };
      const made = await client.create(endpointSlices, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata,
        ...withoutEmptyLists(slice),
      });
      versions.push(made.metadata.resourceVersion);
    }
    for (const slice of [...plan.update, ...relabel]) {
      const { annotations: _, ...rest } = slice.metadata;
      const metadata = { ...rest, labels: { ...labels }, ownerReferences: [owner], ...annotations };
      const written = await client.update(endpointSlices, { ...withoutEmptyLists(slice), metadata });
      versions.push(written.metadata.resourceVersion);
    }
    for (const slice of plan.remove) await this.#remove(slice);
    for (const version of versions) await this.#informer.caughtUp(version);
  }

  /** Deletes all slices of a Service that this controller made. */
  async removeAll(key: string): Promise<void> {
    for (const slice of this.of(key)) await this.#remove(slice);
  }

  async #remove(slice: Stored<EndpointSlice>): Promise<void> {
    const { name, namespace = '', uid } = slice.metadata;
    this.#deleted.add(uid);
    try {
      await this.#context.client.delete(endpointSlices, { name, namespace }, { preconditions: { uid } });
    } catch (error) {
      this.#deleted.delete(uid);
      if (!isNotFound(error)) throw error;
    }
  }
}

/** A server tells an absent list (`null`) from an empty one (`[]`); a slice of nothing has none. */
function withoutEmptyLists<Slice extends NewSlice>(slice: Slice): Slice {
  const { endpoints, ports } = slice;
  const absent = null as unknown as undefined;
  return {
    ...slice,
    ...((endpoints ?? []).length === 0 ? { endpoints: absent } : {}),
    ...((ports ?? []).length === 0 ? { ports: absent } : {}),
  };
}

function carries(slice: Stored<EndpointSlice>, { labels, owner }: SliceMetadata): boolean {
  return deepEqual(slice.metadata.labels, labels) && slice.metadata.ownerReferences?.[0]?.uid === owner.uid;
}
