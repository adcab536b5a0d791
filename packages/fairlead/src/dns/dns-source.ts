import type { Informer } from '@fairlead/client';
import type { CompiledRecords, OwnerName } from './program.ts';
import type { EntryBlock } from './server/entry-block.ts';

/** What the loops read of an informer. */
export type DnsSource<T> = Pick<Informer<T>, 'subscribe' | 'synced' | 'get'>;

/** Where compiled records go: the server. */
export interface RecordSink {
  /** A block is read at once, and may be filled anew then. */
  setSource(source: string, records: CompiledRecords | EntryBlock | undefined): void;
  markSynced(): void;
  /** The same for one of the other zones, by its origin. */
  markOtherSynced(origin: OwnerName): void;
}
