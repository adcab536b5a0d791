import type { Collection } from './collection.ts';
import { DerivedCollection } from './collection-core.ts';

/** A collection and what it is computed from, as plain data for an operator. */
export interface CollectionDump {
  readonly name: string;
  readonly size: number;
  readonly synced: boolean;
  /** Only of derived collections. */
  readonly recomputed?: number;
  readonly sources: readonly CollectionDump[];
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Describes a collection and its sources; `content` adds the values of the top one. */
export function dump(collection: Collection<unknown>, options: { readonly content?: boolean } = {}): CollectionDump {
  const derived = collection instanceof DerivedCollection ? collection : undefined;
  return {
    name: collection.name,
    size: collection.size,
    synced: collection.hasSynced,
    ...(derived === undefined ? {} : { recomputed: derived.recomputed }),
    sources: (derived?.sources ?? []).map((source) => dump(source)),
    ...(options.content === true ? { content: Object.fromEntries(collection.entries()) } : {}),
  };
}
