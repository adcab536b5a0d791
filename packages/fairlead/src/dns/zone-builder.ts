import type {
  CompiledRecords,
  DnsProgram,
  DnsProgramDiff,
  NameRecords,
  OwnerName,
  RecordSet,
  ZoneFacts,
} from './program.ts';
import { isSameRecords } from './same-records.ts';

/**
 * Keeps the program: merges what the sources (Services, namespaces, Pods) contribute, and adds the
 * empty names between an owner and the zone's origin. Work is proportional to what a source changes.
 */
export class ZoneBuilder {
  readonly #zone: ZoneFacts;
  readonly #sources: Map<string, CompiledRecords> = new Map();
  /** Sources of an owner; nearly always one, so no set is spent on it. */
  readonly #contributors: Map<OwnerName, string | Set<string>> = new Map();
  /** How many contributed names lie below a name of the zone. */
  readonly #below: Map<OwnerName, number> = new Map();
  readonly #names: Map<OwnerName, NameRecords> = new Map();

  constructor(zone: ZoneFacts) {
    this.#zone = zone;
  }

  /** The program as it is now; a live view. */
  get program(): DnsProgram {
    return { zone: this.#zone, names: this.#names };
  }

  /** Replaces the contribution of one source; `undefined` removes it. Returns what changed. */
  setSource(source: string, records: CompiledRecords | undefined): DnsProgramDiff {
    const old = this.#sources.get(source) ?? new Map<OwnerName, NameRecords>();
    const next = records ?? new Map<OwnerName, NameRecords>();
    if (records === undefined) this.#sources.delete(source);
    else this.#sources.set(source, records);
    const touched = new Set<OwnerName>();
    for (const owner of old.keys()) if (!next.has(owner)) this.#leave(source, owner, touched);
    for (const owner of next.keys()) if (!old.has(owner)) this.#join(source, owner, touched);
    for (const [owner, sets] of next) if (old.get(owner) !== sets) touched.add(owner);
    const diff: (readonly [OwnerName, NameRecords | undefined])[] = [];
    for (const owner of touched) {
      const before = this.#names.get(owner);
      const after = this.#merge(owner);
      if (before === undefined ? after === undefined : after !== undefined && isSameRecords(before, after)) continue;
      if (after === undefined) this.#names.delete(owner);
      else this.#names.set(owner, after);
      diff.push([owner, after]);
    }
    return diff;
  }

  #join(source: string, owner: OwnerName, touched: Set<OwnerName>): void {
    touched.add(owner);
    const contributors = this.#contributors.get(owner);
    if (contributors !== undefined) {
      if (typeof contributors === 'string') this.#contributors.set(owner, new Set([contributors, source]));
      else contributors.add(source);
      return;
    }
    this.#contributors.set(owner, source);
    for (const parent of this.#parents(owner)) {
      const count = this.#below.get(parent) ?? 0;
      this.#below.set(parent, count + 1);
      if (count === 0) touched.add(parent);
    }
  }

  #leave(source: string, owner: OwnerName, touched: Set<OwnerName>): void {
    touched.add(owner);
    const contributors = this.#contributors.get(owner);
    if (contributors === undefined) return;
    if (typeof contributors !== 'string') {
      contributors.delete(source);
      if (contributors.size > 0) return;
    }
    this.#contributors.delete(owner);
    for (const parent of this.#parents(owner)) {
      const count = (this.#below.get(parent) ?? 1) - 1;
      if (count > 0) this.#below.set(parent, count);
      else {
        this.#below.delete(parent);
        touched.add(parent);
      }
    }
  }

  /** Names strictly between an owner and the origin, and the origin. Names outside the zone have none. */
  *#parents(owner: OwnerName): IterableIterator<OwnerName> {
    const suffix = `.${this.#zone.origin}`;
    if (!owner.endsWith(suffix)) return;
    for (
      let dot = owner.indexOf('.');
      dot >= 0 && owner.length - dot >= suffix.length;
      dot = owner.indexOf('.', dot + 1)
    )
      yield owner.slice(dot + 1);
  }

  #merge(owner: OwnerName): NameRecords | undefined {
    const contributors = this.#contributors.get(owner);
    if (contributors === undefined) return this.#below.has(owner) ? [] : undefined;
    if (typeof contributors === 'string') return this.#sources.get(contributors)?.get(owner);
    if (contributors.size === 1) {
      const [source] = contributors;
      return this.#sources.get(source!)?.get(owner);
    }
    const merged = new Map<RecordSet['type'], RecordSet>();
    for (const source of [...contributors].sort()) {
      for (const set of this.#sources.get(source)?.get(owner) ?? []) {
        const known = merged.get(set.type);
        merged.set(set.type, known === undefined ? set : uniteSets(known, set));
      }
    }
    return [...merged.values()];
  }
}

/** Two sets of one type at one name. Kinds that cannot be united keep the first source's set. */
function uniteSets(first: RecordSet, second: RecordSet): RecordSet {
  if (first.type === 'PTR' && second.type === 'PTR') {
    if (first.rank !== second.rank) return first.rank === 'cluster-ip' ? first : second;
    return { ...first, targets: [...new Set([...first.targets, ...second.targets])].sort() };
  }
  if ((first.type === 'A' || first.type === 'AAAA') && first.type === second.type) {
    return { ...first, addresses: [...new Set([...first.addresses, ...second.addresses])] };
  }
  return first;
}
