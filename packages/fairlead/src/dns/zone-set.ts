import { nameFromText, nameKey, type WireName } from '../wire/dns/name.ts';
import type { FileZone } from './file-zone.ts';
import type { OwnerName } from './program.ts';

/** Zones that are answered as they are: of files, and of primaries. A zone that is not there yet has a place all the same. */
export class ZoneSet {
  /** By the key of the origin; absent value: not loaded. */
  readonly #zones: Map<string, FileZone | undefined> = new Map();
  readonly #forwarded: ReadonlySet<string>;

  /** `forwardDomains`: domains that are forwarded although they lie below a zone, unless a zone is longer. */
  constructor(forwardDomains: readonly OwnerName[] = []) {
    this.#forwarded = new Set(forwardDomains.flatMap((domain) => zoneKey(domain) ?? []));
  }

  /** The zone that a name lies in, `unloaded` when we do not have it; absent: in none. */
  find(name: WireName): FileZone | 'unloaded' | undefined {
    if (this.#zones.size === 0) return undefined;
    for (let at = 0; at < name.length; at += name[at]! + 1) {
      const key = nameKey(name, at);
      if (this.#zones.has(key)) return this.#zones.get(key) ?? 'unloaded';
      if (this.#forwarded.has(key)) return undefined;
    }
    return undefined;
  }

  /** The zone with this origin; absent: not ours, or not loaded. */
  get(origin: OwnerName): FileZone | undefined {
    return this.#zones.get(zoneKey(origin) ?? '');
  }

  /** Puts a zone in its place; `undefined` leaves the place without one: its names are SERVFAIL. */
  set(origin: OwnerName, zone: FileZone | undefined): void {
    const key = zoneKey(origin);
    if (key !== undefined) this.#zones.set(key, zone);
  }

  /** Names of the zone are not ours any more. */
  delete(origin: OwnerName): void {
    this.#zones.delete(zoneKey(origin) ?? '');
  }
}

/** Key of a zone's origin in text; absent: not a name. */
export function zoneKey(origin: OwnerName): string | undefined {
  const name = nameFromText(origin === '' ? '.' : origin);
  return name && nameKey(name);
}
