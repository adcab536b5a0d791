import type { Informer } from '@fairlead/client';
import type { CompiledRecords, OwnerName } from './program.ts';

/** What the loops read of an informer. */
export type DnsSource<T> = Pick<Informer<T>, 'subscribe' | 'synced' | 'get'>;

/** Where compiled records go: the server. */
export interface RecordSink {
  setSource(source: string, records: CompiledRecords | undefined): void;
  markSynced(): void;
  /** The same for one of the other zones, by its origin. */
  markOtherSynced(origin: OwnerName): void;
}
