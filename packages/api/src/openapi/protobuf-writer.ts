const utf8 = new TextEncoder();

/** Writes protobuf messages from front to back into one growing buffer. */
export class ProtobufWriter {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  /** A text field, also when it is empty. */
  text(tag: number, value: string): void {
    // A UTF-16 unit takes at most three bytes.
    this.#key(tag, 2);
    const start = this.#length;
    this.#reserve(value.length * 3 + 5);
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(start + 5));
    this.#closeLength(start, written);
  }

  /** A field of a varint type; negative numbers as int64 writes them. */
  integer(tag: number, value: bigint): void {
    this.#key(tag, 0);
    this.#varint(BigInt.asUintN(64, value));
  }

  /** A field of type double. */
  double(tag: number, value: number): void {
    this.#key(tag, 1);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A message field: what `write` adds is its content. */
  message(tag: number, write: () => void): void {
    this.#key(tag, 2);
    const start = this.#length;
    this.#reserve(5);
    this.#length = start + 5;
    write();
    this.#closeLength(start, this.#length - start - 5);
  }

  /** The bytes so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Puts the length before content that stands five bytes after `start`, and moves the content up to it. */
  #closeLength(start: number, length: number): void {
    this.#length = start;
    this.#varint(BigInt(length));
    this.#bytes.copyWithin(this.#length, start + 5, start + 5 + length);
    this.#length += length;
  }

  #key(tag: number, wireType: number): void {
    this.#varint(BigInt((tag << 3) | wireType));
  }

  #varint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
