import type { ResourceRef, Stored } from '@fairlead/api';
import { type ApiClient, type Informer, startInformer } from '@fairlead/client';
import { type Collection, informerCollection } from '../collections/index.ts';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { SharedInformers } from './controller.ts';

/** Shared informers whose owner can wait for them and stop them. */
export interface OwnedInformers extends SharedInformers {
  /** Resolves when every informer asked for so far has its first list. */
  synced(): Promise<void>;
  stop(): void;
}

interface Entry {
  readonly informer: Informer<unknown>;
  readonly collection: Collection<Stored<unknown>>;
}

/** Starts informers when they are first asked for. `managedFields` are dropped: nobody here reads them. */
export function sharedInformers(
  client: ApiClient,
  surroundings: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): OwnedInformers {
  const entries = new Map<string, Entry>();
  const entryOf = (ref: ResourceRef<unknown>): Entry => {
    const key = `${ref.group}/${ref.plural}`;
    let entry = entries.get(key);
    if (entry === undefined) {
      const informer = startInformer(client, ref, {}, { ...surroundings, strip: withoutManagedFields });
      entry = { informer, collection: informerCollection(ref.plural, informer) };
      entries.set(key, entry);
    }
    return entry;
  };
  return {
    informer: <T>(ref: ResourceRef<T>) => entryOf(ref).informer as Informer<T>,
    collection: <T>(ref: ResourceRef<T>) => entryOf(ref).collection as Collection<Stored<T>>,
    async synced() {
      await Promise.all([...entries.values()].map((entry) => entry.informer.synced));
    },
    stop() {
      for (const { informer } of entries.values()) informer.stop();
    },
  };
}

function withoutManagedFields<T>(object: Stored<T>): Stored<T> {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
