import { nameFromText, nameToText } from '../wire/dns/name.ts';
import { IntColumn } from './int-column.ts';
import { mergeRecords } from './merge-records.ts';
import type { CompiledRecords, DnsProgram, NameRecords, NameTable, OwnerName, ZoneFacts } from './program.ts';
import type { AnswerTable } from './server/answer-table.ts';
import { decodeBlock, decodeSets } from './server/decode-sets.ts';
import { EntryBlock } from './server/entry-block.ts';
import { NameKey } from './server/name-key.ts';
import { prebuildSets } from './server/prebuild.ts';

/** Source of a name: none (an empty name between others), or several. */
const noSource = 0;
const manySources = -1;

/**
 * Keeps the program: merges what the sources (Services, slices, namespaces, Pods) contribute, and adds the
 * empty names between an owner and the zone's origin. Work is proportional to what a source changes.
 *
 * Records are kept once, in the table; here a name is a row of a few numbers. The names of a source are a
 * chain of rows. Only for a name with several sources are the contributions kept beside the table.
 */
export class ZoneBuilder {
  readonly #zone: ZoneFacts;
  readonly #table: AnswerTable;
  readonly #otherZones: readonly ZoneFacts[];
  readonly #origins: readonly Uint8Array[];
  readonly #sourceIds: Map<string, number> = new Map();
  readonly #sourceKeys: string[] = [''];
  readonly #freeSources: number[] = [];
  /** First row of a source's chain, by source. */
  readonly #firstRow: IntColumn = new IntColumn();
  /** By row: next row of the chain, source, entry in the table, names directly below, turn of the last change. */
  readonly #nextRow: IntColumn = new IntColumn();
  readonly #sourceOf: IntColumn = new IntColumn();
  readonly #entryOf: IntColumn = new IntColumn();
  readonly #below: IntColumn = new IntColumn();
  readonly #turnOf: IntColumn = new IntColumn();
  readonly #freeRows: number[] = [];
  /** Contributions to names of several sources: by row, then by source. */
  readonly #shared: Map<number, Map<number, NameRecords>> = new Map();
  /** Shared rows that are not in the chain, by source. */
  readonly #sharedRows: Map<number, Set<number>> = new Map();
  readonly #key: NameKey = new NameKey();
  readonly #spareKeys: NameKey[] = [];
  readonly #lastParent: NameKey = new NameKey();
  #lastParentRow = 0;
  /** Names that begin with `*`, by zone. */
  readonly #wildcards: number[];
  #rows = 0;
  #turn = 0;
  #changes = 0;

  /** `otherZones`: further zones that we have all names of. */
  constructor(zone: ZoneFacts, table: AnswerTable, otherZones: readonly ZoneFacts[] = []) {
    this.#otherZones = otherZones;
    this.#zone = zone;
    this.#table = table;
    this.#wildcards = [zone, ...otherZones].map(() => 0);
    this.#origins = [zone, ...otherZones].map(({ origin }) => nameFromText(origin) ?? Uint8Array.of(0));
  }

  /** The program as it is now; a live view that decodes what is asked for. */
  get program(): DnsProgram {
    return { zone: this.#zone, otherZones: this.#otherZones, names: this.#names };
  }

  /** Replaces the contribution of one source; `undefined` removes it. Returns how many names changed. */
  setSource(source: string, given: CompiledRecords | EntryBlock | undefined): number {
    const known = this.#sourceIds.get(source);
    const records = given instanceof EntryBlock && given.hasRepeats ? decodeBlock(given) : given;
    if (known === undefined && isEmpty(records)) return 0;
    const id = known ?? this.#addSource(source);
    this.#changes = 0;
    this.#turn++;
    const before = this.#rowsOf(id);
    this.#sharedRows.delete(id);
    this.#firstRow.set(id, 0);
    if (records instanceof EntryBlock) this.#contributeBlock(id, records);
    else {
      for (const [owner, sets] of records ?? []) {
        if (this.#key.setText(owner)) this.#link(id, this.#contribute(id, sets));
      }
    }
    for (const row of before) if (this.#turnOf.get(row) !== this.#turn) this.#withdraw(id, row);
    if (records === undefined) this.#removeSource(source, id);
    if (this.#changes > 0) this.#table.settle();
    return this.#changes;
  }

  readonly #names: NameTable = {
    get: (owner) => {
      if (!this.#key.setText(owner)) return undefined;
      const entry = this.#table.find(this.#key);
      return entry === 0 ? undefined : this.#decode(entry);
    },
    entries: () => this.#entries(),
  };

  *#entries(): Generator<readonly [OwnerName, NameRecords]> {
    const key = new NameKey();
    for (let row = 1; row <= this.#rows; row++) {
      const entry = this.#entryOf.get(row);
      if (entry === 0) continue;
      this.#table.readName(entry, key);
      yield [nameToText(key.toName()), this.#decode(entry)];
    }
  }

  #decode(entry: number): NameRecords {
    const key = this.#takeKey();
    this.#table.readName(entry, key);
    const records = decodeSets(key.toName(), this.#table.sets(entry), this.#zone);
    this.#spareKeys.push(key);
    return records;
  }

  /** Rows that a source contributes to. */
  #rowsOf(id: number): number[] {
    const rows = [...(this.#sharedRows.get(id) ?? [])];
    for (let row = this.#firstRow.get(id); row !== 0; row = this.#nextRow.get(row)) rows.push(row);
    return rows;
  }

  #contributeBlock(id: number, block: EntryBlock): void {
    for (let entry = 0; entry < block.count; entry++) {
      this.#key.setWords(block.words, block.nameStart(entry), block.nameBytes(entry), block.hash(entry));
      this.#link(id, this.#contributeWritten(id, block, entry));
    }
  }

  /** {@link ZoneBuilder.#contribute} for an entry of a block. */
  #contributeWritten(id: number, block: EntryBlock, written: number): number {
    const known = this.#table.find(this.#key);
    const row = known === 0 ? this.#addName(this.#key) : this.#table.identity(known);
    const owner = this.#sourceOf.get(row);
    if (owner !== noSource && owner !== id) {
      return this.#contribute(id, decodeSets(this.#key.toName(), block.sets(written), this.#zone));
    }
    this.#sourceOf.set(row, id);
    const entry = this.#entryOf.get(row);
    if (entry !== 0 && this.#table.hasWritten(entry, block, written)) return row;
    this.#entryOf.set(row, this.#table.putWritten(this.#key, row, block, written));
    this.#changes++;
    return row;
  }

  /** Notes that a source contributes to a name in this turn. */
  #link(id: number, row: number): void {
    // Two spellings of one name in one source are one contribution, the later one.
    if (this.#turnOf.get(row) === this.#turn) return;
    this.#turnOf.set(row, this.#turn);
    if (this.#sourceOf.get(row) === id) {
      this.#nextRow.set(row, this.#firstRow.get(id));
      this.#firstRow.set(id, row);
    } else this.#addSharedRow(id, row);
  }

  /** Adds a source's records to the name in `#key`; returns its row. */
  #contribute(id: number, sets: NameRecords): number {
    const entry = this.#table.find(this.#key);
    const row = entry === 0 ? this.#addName(this.#key) : this.#table.identity(entry);
    const owner = this.#sourceOf.get(row);
    if (owner === noSource || owner === id) {
      this.#sourceOf.set(row, id);
      this.#install(this.#key, row, sets);
      return row;
    }
    let contributions = this.#shared.get(row);
    if (contributions === undefined) {
      contributions = new Map([[owner, this.#decode(this.#entryOf.get(row))]]);
      this.#shared.set(row, contributions);
      this.#sourceOf.set(row, manySources);
    }
    contributions.set(id, sets);
    this.#install(this.#key, row, this.#merge(contributions));
    return row;
  }

  /** Takes a source's records from a name away. */
  #withdraw(id: number, row: number): void {
    const key = this.#takeKey();
    this.#table.readName(this.#entryOf.get(row), key);
    const contributions = this.#shared.get(row);
    contributions?.delete(id);
    if (contributions !== undefined && contributions.size > 0) {
      this.#install(key, row, this.#merge(contributions));
    } else {
      this.#shared.delete(row);
      this.#sourceOf.set(row, noSource);
      if (this.#below.get(row) > 0) this.#install(key, row, []);
      else this.#removeName(key, row);
    }
    this.#spareKeys.push(key);
  }

  #merge(contributions: ReadonlyMap<number, NameRecords>): NameRecords {
    const keyOf = ([id]: readonly [number, NameRecords]): string => this.#sourceKeys[id]!;
    const ordered = [...contributions].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return mergeRecords(ordered.map(([, records]) => records));
  }

  /** Writes the records of a name, unless they are there already. */
  #install(key: NameKey, row: number, sets: NameRecords): void {
    const prebuilt = prebuildSets(key.bytes.subarray(0, key.length), sets, this.#zone);
    const entry = this.#entryOf.get(row);
    if (entry !== 0 && this.#table.hasSets(entry, prebuilt)) return;
    this.#entryOf.set(row, this.#table.put(key, row, prebuilt));
    this.#changes++;
  }

  /** A row for a name that is not there; its parents come to exist, too. The table gets it by {@link #install}. */
  #addName(key: NameKey): number {
    const row = this.#freeRows.pop() ?? ++this.#rows;
    if (isWildcard(key)) this.#countWildcard(key, 1);
    const parent = this.#parentRow(key, true);
    if (parent !== 0) this.#below.set(parent, this.#below.get(parent) + 1);
    return row;
  }

  #removeName(key: NameKey, row: number): void {
    this.#table.remove(key);
    if (isWildcard(key)) this.#countWildcard(key, -1);
    this.#changes++;
    this.#entryOf.set(row, 0);
    this.#freeRows.push(row);
    const parent = this.#parentRow(key, false);
    if (this.#lastParentRow === row) this.#lastParentRow = 0;
    if (parent === 0) return;
    const below = this.#below.get(parent) - 1;
    this.#below.set(parent, below);
    if (below > 0 || this.#sourceOf.get(parent) !== noSource) return;
    const parentKey = this.#takeKey();
    parentKey.setParent(key);
    this.#removeName(parentKey, parent);
    this.#spareKeys.push(parentKey);
  }

  #countWildcard(key: NameKey, difference: number): void {
    const zone = this.#origins.findIndex((origin) => key.isBelow(origin));
    if (zone < 0) return;
    this.#wildcards[zone]! += difference;
    this.#table.markWildcards(zone, this.#wildcards[zone]! > 0);
  }

  /** Row of the name above, inside the zone; 0: none. Adds it as an empty name when `isWanted`. */
  #parentRow(key: NameKey, isWanted: boolean): number {
    if (!this.#origins.some((origin) => key.isBelow(origin))) return 0;
    if (this.#lastParentRow !== 0 && isParent(this.#lastParent, key)) return this.#lastParentRow;
    const parent = this.#takeKey();
    parent.setParent(key);
    const entry = this.#table.find(parent);
    let row = entry === 0 ? 0 : this.#table.identity(entry);
    if (row === 0 && isWanted) {
      row = this.#addName(parent);
      this.#install(parent, row, []);
    }
    if (row !== 0) {
      this.#lastParent.setBytes(parent.bytes, 0, parent.length);
      this.#lastParentRow = row;
    }
    this.#spareKeys.push(parent);
    return row;
  }

  #takeKey(): NameKey {
    return this.#spareKeys.pop() ?? new NameKey();
  }

  #addSource(source: string): number {
    const id = this.#freeSources.pop() ?? this.#sourceKeys.length;
    this.#sourceKeys[id] = source;
    this.#sourceIds.set(source, id);
    return id;
  }

  #removeSource(source: string, id: number): void {
    this.#sourceIds.delete(source);
    this.#sourceKeys[id] = '';
    this.#freeSources.push(id);
  }

  #addSharedRow(id: number, row: number): void {
    const rows = this.#sharedRows.get(id);
    if (rows === undefined) this.#sharedRows.set(id, new Set([row]));
    else rows.add(row);
  }
}

function isEmpty(records: CompiledRecords | EntryBlock | undefined): boolean {
  return records === undefined || (records instanceof EntryBlock ? records.count : records.size) === 0;
}

function isWildcard({ bytes }: NameKey): boolean {
  return bytes[0] === 1 && bytes[1] === 0x2a;
}

/** Whether `parent` is `key` without its first label. */
function isParent(parent: NameKey, key: NameKey): boolean {
  const skip = key.bytes[0]! + 1;
  if (key.length - skip !== parent.length) return false;
  for (let at = parent.length - 1; at >= 0; at--) if (parent.bytes[at] !== key.bytes[skip + at]) return false;
  return true;
}
