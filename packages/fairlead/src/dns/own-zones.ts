import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import type { FileZone } from './file-zone.ts';
import { notifySecondary, type Secondary } from './notify-secondaries.ts';
import type { OwnerName } from './program.ts';
import { type NotifyVerdict, type SecondarySource, SecondaryZones } from './secondary-zones.ts';
import { type ZoneFileSettings, ZoneFiles } from './zone-files.ts';
import { ZoneSet } from './zone-set.ts';
import type { ZoneStore } from './zone-store.ts';

/** Where zones come from that are answered as they are. */
export interface OwnZoneSources {
  readonly zoneFiles?: ZoneFileSettings | undefined;
  readonly secondaries?: readonly SecondarySource[] | undefined;
  /** Domains that are forwarded although they lie below a zone. */
  readonly forwardDomains: readonly OwnerName[];
}

/** What {@link OwnZones} needs besides. */
export interface OwnZonesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of every zone that has come or changed. */
  readonly onLoaded: (zone: FileZone) => void;
  /** Where zones of primaries are kept for the next start; absent: nowhere. */
  readonly store?: ZoneStore | undefined;
}

/** Zones of files and of primaries, kept up to date. */
export class OwnZones {
  readonly zones: ZoneSet;
  readonly #files: ZoneFiles | undefined;
  readonly #secondaries: SecondaryZones | undefined;

  constructor({ zoneFiles, secondaries = [], forwardDomains }: OwnZoneSources, options: OwnZonesOptions) {
    this.zones = new ZoneSet(forwardDomains);
    const parts = { ...options, zones: this.zones };
    this.#files = zoneFiles && new ZoneFiles({ ...zoneFiles, ...parts });
    this.#secondaries = secondaries.length === 0 ? undefined : new SecondaryZones({ sources: secondaries, ...parts });
  }

  /** Whether there are any. */
  static areWanted({ zoneFiles, secondaries = [] }: Pick<OwnZoneSources, 'zoneFiles' | 'secondaries'>): boolean {
    return zoneFiles !== undefined || secondaries.length > 0;
  }

  /** Whether a NOTIFY may concern one of them. */
  get takesNotify(): boolean {
    return this.#secondaries !== undefined;
  }

  /** Resolves when the files that were there at the start have been read; primaries may take longer. */
  get settled(): Promise<void> {
    return this.#files?.settled ?? Promise.resolve();
  }

  notify(origin: OwnerName, from: string): NotifyVerdict {
    return this.#secondaries?.notify(origin, from) ?? 'no zone';
  }

  stop(): void {
    this.#files?.stop();
    this.#secondaries?.stop();
  }
}

/** Tells secondaries of new serials, and the log of those that do not answer. */
export function tellSecondaries(
  secondaries: readonly Secondary[],
  soa: DnsRecord,
  { clock, log }: Pick<OwnZonesOptions, 'clock' | 'log'>,
): void {
  for (const secondary of secondaries) {
    void notifySecondary(soa, secondary, clock).then((isAnswered) => {
      if (isAnswered) return;
      log('warn', 'DNS secondary does not answer to NOTIFY', { address: secondary.address, port: secondary.port });
    });
  }
}
