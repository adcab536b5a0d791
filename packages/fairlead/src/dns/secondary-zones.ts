import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { FileZone } from './file-zone.ts';
import type { Secondary } from './notify-secondaries.ts';
import type { OwnerName } from './program.ts';
import { SecondaryZone } from './secondary-zone.ts';
import { type ZoneSet, zoneKey } from './zone-set.ts';
import type { ZoneStore } from './zone-store.ts';

/** A zone that primaries have. */
export interface SecondarySource {
  readonly origin: OwnerName;
  /** Asked in turn until one answers; only they may say that the zone has changed. */
  readonly primaries: readonly Secondary[];
}

/** What {@link SecondaryZones} works with. */
export interface SecondaryZonesOptions {
  readonly sources: readonly SecondarySource[];
  /** Where zones are put. */
  readonly zones: ZoneSet;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of a zone whenever it has come anew. */
  readonly onLoaded?: ((zone: FileZone) => void) | undefined;
  /** Where zones are kept for the next start; absent: nowhere. */
  readonly store?: ZoneStore | undefined;
}

/** What became of a NOTIFY (RFC 1996): taken, of a zone that is not ours, or from somebody who is no primary. */
export type NotifyVerdict = 'taken' | 'no zone' | 'no primary';

/** Zones that are copies of a primary's, kept up to date by their SOA's times and by NOTIFY. */
export class SecondaryZones {
  /** By the key of the origin. */
  readonly #zones: Map<string, SecondaryZone> = new Map();

  constructor({ sources, ...parts }: SecondaryZonesOptions) {
    for (const source of sources) {
      const key = zoneKey(source.origin);
      if (key !== undefined && !this.#zones.has(key)) this.#zones.set(key, new SecondaryZone(source, parts));
    }
  }

  /** A primary says that a zone has changed. */
  notify(origin: OwnerName, from: string): NotifyVerdict {
    const zone = this.#zones.get(zoneKey(origin) ?? '');
    if (zone === undefined) return 'no zone';
    return zone.notify(from) ? 'taken' : 'no primary';
  }

  stop(): void {
    for (const zone of this.#zones.values()) zone.stop();
  }
}
