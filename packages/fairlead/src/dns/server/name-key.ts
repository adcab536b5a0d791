// Hot path of loading: one name at a time, in reused memory.

import { foldByte, nameFromText, writePlainName } from '../../wire/dns/name.ts';
import { hashName } from '../../wire/dns/query.ts';

/** A lower-case wire name as the table keeps it: words padded with zeros, and its hash. */
export class NameKey {
  /** Room for the longest name and its padding. */
  readonly bytes: Uint8Array = new Uint8Array(260);
  readonly words: Int32Array = new Int32Array(this.bytes.buffer);
  /** With the root label. */
  length = 0;
  hash = 0;

  /** Takes over a name in text. False: not a name. */
  setText(text: string): boolean {
    const { bytes } = this;
    let length = writePlainName(text, bytes, 0);
    if (length < 0) {
      const name = nameFromText(text);
      if (name === undefined) return false;
      bytes.set(name);
      length = name.length;
    }
    this.length = length;
    this.fold();
    return true;
  }

  /** Makes the name lower-case. */
  fold(): void {
    for (let at = 0; at < this.length; at++) this.bytes[at] = foldByte(this.bytes[at]!);
    this.#seal(this.length);
  }

  /** Takes over `length` bytes of wire form. */
  setBytes(source: Uint8Array, start: number, length: number): void {
    for (let at = 0; at < length; at++) this.bytes[at] = source[start + at]!;
    this.#seal(length);
  }

  /** Takes over a name of a block, in lower case and padded as here. */
  setWords(source: Int32Array, start: number, length: number, hash: number): void {
    const count = (length + 3) >> 2;
    for (let index = 0; index < count; index++) this.words[index] = source[start + index]!;
    this.length = length;
    this.hash = hash;
  }

  /** Takes over the parent of another name, which must not be the root. */
  setParent(of: NameKey): void {
    const skip = of.bytes[0]! + 1;
    this.setBytes(of.bytes, skip, of.length - skip);
  }

  /** Whether the name lies below a lower-case wire name. */
  isBelow(origin: Uint8Array): boolean {
    const from = this.length - origin.length;
    if (from <= 0) return false;
    for (let at = origin.length - 1; at >= 0; at--) if (this.bytes[from + at] !== origin[at]) return false;
    let label = 0;
    while (label < from) label += this.bytes[label]! + 1;
    return label === from;
  }

  /** The name, as a copy. */
  toName(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  #seal(length: number): void {
    this.length = length;
    this.bytes[length] = 0;
    this.bytes[length + 1] = 0;
    this.bytes[length + 2] = 0;
    this.hash = hashName(this.words, length);
  }
}
