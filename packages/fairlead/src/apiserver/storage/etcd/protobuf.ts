// Hot path: every message to and from etcd is written and read here.

/** Writes the fields of one protobuf message. Numbers are non-negative and below 2^53. */
export class MessageWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  /** A varint field; 0 and false are left out unless `always`, as proto3 does. */
  number(field: number, value: number | boolean, always = false): this {
    const number = Number(value);
    if (number === 0 && !always) return this;
    return this.#push(varints(field * 8, number));
  }

  /** A field of bytes, text or a nested message. */
  bytes(field: number, value: Uint8Array | string | MessageWriter): this {
    const bytes =
      typeof value === 'string' ? Buffer.from(value) : value instanceof MessageWriter ? value.finish() : value;
    return this.#push(varints(field * 8 + 2, bytes.length)).#push(bytes);
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes));
    this.#length += bytes.length;
    return this;
  }
}

function varints(first: number, second: number): Buffer {
  const bytes: number[] = [];
  for (const value of [first, second]) {
    let rest = value;
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
  }
  return Buffer.from(bytes);
}

/** A message that ends in the middle of a field, or holds a field type that is not in use. */
export class MalformedMessage extends Error {
  override readonly name: string = 'MalformedMessage';
}

/** Walks over the fields of one message: call {@link next}, then read or ignore the value. */
export class MessageReader {
  readonly #bytes: Buffer;
  #position = 0;
  #number = 0;
  #content: Buffer | undefined;
  /** Number of the present field. */
  field = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#position >= this.#bytes.length) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#content = undefined;
    switch (tag % 8) {
      case 0:
        this.#number = this.#varint();
        return true;
      case 1:
        this.#content = this.#take(8);
        return true;
      case 2:
        this.#content = this.#take(this.#varint());
        return true;
      case 5:
        this.#content = this.#take(4);
        return true;
      default:
        throw new MalformedMessage(`protobuf field ${this.field} has wire type ${tag % 8}`);
    }
  }

  /** The varint of the present field; exact below 2^53. */
  get number(): number {
    return this.#number;
  }

  /** The bytes of the present field: a view, not a copy. */
  get bytes(): Buffer {
    if (this.#content === undefined) throw new MalformedMessage(`protobuf field ${this.field} has no length`);
    return this.#content;
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new MalformedMessage('a protobuf message ends within a field');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new MalformedMessage('a protobuf message ends within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new MalformedMessage('a protobuf number is longer than ten bytes');
  }
}
