// Hot path of loading: every endpoint of a headless Service, with each change of it.

import { hashName } from '../wire/dns/query.ts';
import { EndpointNames, nameRoomBytes, writeAddress } from './endpoint-names.ts';
import { EndpointCursor, type FlatEndpoints } from './flat-endpoints.ts';
import type { OwnerName } from './program.ts';

/** Slots of the smallest index, less one. */
const smallestMask = 127;

/**
 * Addresses of the endpoints of one Service, each once, as rows of numbers and bytes. One is filled anew for each Service.
 */
export class EndpointRows {
  readonly #maxPerFamily: number;
  count = 0;
  /** Rows whose address has 4, and 16 bytes. */
  v4 = 0;
  v6 = 0;
  /** By row: 16 bytes, of which IPv4 uses four. */
  readonly addresses: Uint8Array;
  readonly addressBytes: Uint8Array;
  /** By row: where its endpoint's name is in `names`, and its length. */
  names: Uint8Array = new Uint8Array(1 << 14);
  readonly nameAt: Int32Array;
  readonly nameBytes: Uint8Array;
  /** By row: the first row with the same name: addresses of one hostname. */
  readonly firstOfName: Int32Array;
  /** By row: the number that {@link EndpointRows.add} was given for it. */
  readonly list: Int32Array;
  #namesEnd = 0;
  readonly #cursor = new EndpointCursor();
  readonly #writer = new EndpointNames();
  /** Numbers of rows and 1, by the hashes of addresses and of names. */
  readonly #byAddress: RowIndex;
  readonly #byName: RowIndex;
  /** A name or address, padded with zeros. */
  readonly #padded = new Uint8Array(nameRoomBytes + 4);
  readonly #paddedWords = new Int32Array(this.#padded.buffer);

  /** `maxPerFamily`: addresses beyond it are left out. */
  constructor(maxPerFamily: number) {
    // And one that is not kept.
    const rows = maxPerFamily * 2 + 1;
    this.#byAddress = new RowIndex(rows);
    this.#byName = new RowIndex(rows);
    this.#maxPerFamily = maxPerFamily;
    this.addresses = new Uint8Array(rows * 16);
    this.addressBytes = new Uint8Array(rows);
    this.nameAt = new Int32Array(rows);
    this.nameBytes = new Uint8Array(rows);
    this.firstOfName = new Int32Array(rows);
    this.list = new Int32Array(rows);
  }

  clear(): void {
    this.#byAddress.clear();
    this.#byName.clear();
    this.count = 0;
    this.v4 = 0;
    this.v6 = 0;
    this.#namesEnd = 0;
  }

  get isFull(): boolean {
    return this.v4 === this.#maxPerFamily && this.v6 === this.#maxPerFamily;
  }

  /**
   * Adds the endpoints of a slice that are served. False: an address, or a hostname, is there already with another list,
   * or one has no name: rows cannot say that.
   */
  add(flat: FlatEndpoints, parent: OwnerName, list: number, servesNotReady: boolean): boolean {
    if (!this.#writer.setParent(parent)) return false;
    const cursor = this.#cursor;
    cursor.start(flat);
    while (cursor.next()) {
      if (!cursor.isReady && !servesNotReady) continue;
      while (cursor.nextAddress()) {
        const size = writeAddress(cursor, this.addresses, this.count * 16);
        if (size === 0 || (size === 4 ? this.v4 : this.v6) === this.#maxPerFamily) continue;
        if (!this.#addRow(size, list)) return false;
      }
    }
    return true;
  }

  #addRow(size: number, list: number): boolean {
    const row = this.count;
    this.addressBytes[row] = size;
    const known = this.#findAddress(row, size);
    if (known >= 0) return this.list[known] === list;
    this.#reserveName();
    const length = this.#writer.write(this.#cursor, this.names, this.#namesEnd);
    if (length < 0) return false;
    this.nameAt[row] = this.#namesEnd;
    this.nameBytes[row] = length;
    this.list[row] = list;
    const first = this.#findName(row, length);
    this.firstOfName[row] = first < 0 ? row : first;
    if (first >= 0 && this.list[first] !== list) return false;
    this.#namesEnd += length;
    this.count++;
    if (size === 4) this.v4++;
    else this.v6++;
    return true;
  }

  /** Row of the same address; -1: there is none, and this one is known from now on. */
  #findAddress(row: number, size: number): number {
    const { addresses } = this;
    const index = this.#byAddress;
    const hash = this.#hash(addresses, row * 16, size);
    let slot = index.first(hash);
    for (let other = index.at(slot); other >= 0; slot = index.after(slot), other = index.at(slot)) {
      if (this.addressBytes[other] === size && isSame(addresses, other * 16, row * 16, size)) return other;
    }
    index.put(slot, row, hash);
    return -1;
  }

  /** The same for the name of a row. */
  #findName(row: number, length: number): number {
    const { names, nameAt } = this;
    const index = this.#byName;
    const hash = this.#hash(names, nameAt[row]!, length);
    let slot = index.first(hash);
    for (let other = index.at(slot); other >= 0; slot = index.after(slot), other = index.at(slot)) {
      if (this.nameBytes[other] === length && isSame(names, nameAt[other]!, nameAt[row]!, length)) return other;
    }
    index.put(slot, row, hash);
    return -1;
  }

  #hash(bytes: Uint8Array, at: number, length: number): number {
    const padded = this.#padded;
    for (let index = 0; index < length; index++) padded[index] = bytes[at + index]!;
    for (let index = length; index < length + 4; index++) padded[index] = 0;
    const hash = hashName(this.#paddedWords, length);
    return hash ^ (hash >>> 16);
  }

  #reserveName(): void {
    if (this.#namesEnd + nameRoomBytes <= this.names.length) return;
    const grown = new Uint8Array(this.names.length * 2);
    grown.set(this.names);
    this.names = grown;
  }
}

/** Rows by a hash, with linear probing. As small as the rows allow, because most Services have a few endpoints. */
class RowIndex {
  readonly #slots: Int32Array;
  /** What was put, in order, to be put again when the index grows, and taken out. */
  readonly #hashes: Int32Array;
  readonly #rows: Int32Array;
  #count = 0;
  #mask = smallestMask;

  constructor(maxRows: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(maxRows * 4)));
    this.#hashes = new Int32Array(maxRows);
    this.#rows = new Int32Array(maxRows);
  }

  first(hash: number): number {
    return hash & this.#mask;
  }

  after(slot: number): number {
    return (slot + 1) & this.#mask;
  }

  /** The row of a slot; -1: free. */
  at(slot: number): number {
    return this.#slots[slot]! - 1;
  }

  /** Puts a row into the free slot where its search has ended. */
  put(slot: number, row: number, hash: number): void {
    this.#slots[slot] = row + 1;
    this.#hashes[this.#count] = hash;
    this.#rows[this.#count++] = row;
    if (this.#count * 2 > this.#mask) this.#grow();
  }

  clear(): void {
    this.#slots.fill(0, 0, this.#mask + 1);
    this.#count = 0;
    this.#mask = smallestMask;
  }

  #grow(): void {
    this.#slots.fill(0, 0, this.#mask + 1);
    this.#mask = this.#mask * 4 + 3;
    for (let index = 0; index < this.#count; index++) {
      let slot = this.first(this.#hashes[index]!);
      while (this.#slots[slot] !== 0) slot = this.after(slot);
      this.#slots[slot] = this.#rows[index]! + 1;
    }
  }
}

function isSame(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (bytes[a + index] !== bytes[b + index]) return false;
  return true;
}
