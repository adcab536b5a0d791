import { exactInteger } from '../json-number.ts';
import { SchemaError } from './schema-error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** One field on the wire: varints and fixed numbers as bigint, everything else as a view of the bytes. */
export interface WireField {
  readonly tag: number;
  readonly value: bigint | Uint8Array;
}

/** Reads the fields of one protobuf message. Throws a SchemaError (`protobuf`) on malformed bytes. */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next field, or `undefined` at the end. */
  next(): WireField | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const key = this.#varint();
    const tag = Number(key >> 3n);
    if (tag === 0 || tag > 0x1fffffff) throw new SchemaError('protobuf', `proto: illegal tag ${tag}`);
    switch (Number(key & 7n)) {
      case 0:
        return { tag, value: this.#varint() };
      case 1:
        return { tag, value: littleEndian(this.#take(8)) };
      case 2: {
        const length = this.#varint();
        if (length > BigInt(this.#bytes.length - this.#at)) throw new SchemaError('protobuf', 'unexpected EOF');
        return { tag, value: this.#take(Number(length)) };
      }
      case 5:
        return { tag, value: littleEndian(this.#take(4)) };
      default:
        throw new SchemaError('protobuf', `proto: illegal wireType ${Number(key & 7n)}`);
    }
  }

  #varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new SchemaError('protobuf', 'unexpected EOF');
      if (byte < 0x80) return BigInt.asUintN(64, result | (BigInt(byte) << shift));
      result |= BigInt(byte & 0x7f) << shift;
    }
    throw new SchemaError('protobuf', 'proto: integer overflow');
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new SchemaError('protobuf', 'unexpected EOF');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

/** The value as text; throws when it is not a UTF-8 field. */
export function wireText(value: bigint | Uint8Array): string {
  try {
    return utf8.decode(wireBytes(value));
  } catch (cause) {
    if (cause instanceof SchemaError) throw cause;
    throw new SchemaError('protobuf', 'proto: field contains invalid UTF-8', { cause });
  }
}

/** The value as bytes; throws when it travelled as a number. */
export function wireBytes(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw new SchemaError('protobuf', 'proto: wrong wireType = 0');
  return value;
}

/** The value as a signed integer of 32 or 64 bits. */
export function wireInteger(value: bigint | Uint8Array, bits: 32 | 64): number {
  return Number(wireInt64(value, bits));
}

/** The value as a signed integer, a bigint where a number could not hold it. */
export function wireExactInteger(value: bigint | Uint8Array, bits: 32 | 64): number | bigint {
  return exactInteger(wireInt64(value, bits));
}

function wireInt64(value: bigint | Uint8Array, bits: 32 | 64): bigint {
  if (typeof value !== 'bigint') throw new SchemaError('protobuf', 'proto: wrong wireType = 2');
  return BigInt.asIntN(bits, value);
}

/** The value as a 64-bit float. */
export function wireDouble(value: bigint | Uint8Array): number {
  if (typeof value !== 'bigint') throw new SchemaError('protobuf', 'proto: wrong wireType = 2');
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  return view.getFloat64(0);
}
