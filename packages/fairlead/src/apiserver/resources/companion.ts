import type { FieldCause } from '@fairlead/api/schema';
import type { StorageEntry, StorageWrite } from '../storage/storage.ts';

/** Writes that go with the write of an object, in one transaction: claims of addresses and ports, bookings of quotas. */
export interface Companion {
  /** The writes; asked for again before every try. */
  writes(): readonly StorageWrite[];
  /**
   * The key of one of the writes held something else. Prepares another try, possibly with other numbers in the
   * object; or tells why there can be none.
   */
  lost(key: string, current: StorageEntry | undefined): readonly FieldCause[] | undefined;
  /** The write is over, well or not. Idempotent. */
  close(): void;
}

/** The companion of a write that stands for itself. */
export const noCompanion: Companion = { writes: () => [], lost: () => undefined, close() {} };

/** Several companions as one; a lost key is told to all, as each knows its own. */
export function together(...companions: readonly Companion[]): Companion {
  const real = companions.filter((companion) => companion !== noCompanion);
  if (real.length <= 1) return real[0] ?? noCompanion;
  return {
    writes: () => real.flatMap((companion) => companion.writes()),
    lost(key, current) {
      for (const companion of real) {
        const causes = companion.lost(key, current);
        if (causes !== undefined) return causes;
      }
      return undefined;
    },
    close() {
      for (const companion of real) companion.close();
    },
  };
}
