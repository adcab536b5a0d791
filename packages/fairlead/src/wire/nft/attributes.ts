/** One netlink attribute. `value` and `whole` are views. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Buffer;
  /** With header and padding. */
  readonly whole: Buffer;
}

/** Without the flags for nesting and byte order. */
const attributeTypeMask = 0x3fff;

/**
 * Walks attributes: length u16 | type u16 | value | padding to 4 (linux/netlink.h). Stops at a
 * malformed one.
 */
export function* netlinkAttributes(bytes: Buffer): Generator<NetlinkAttribute> {
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) return;
    const padded = Math.min((length + 3) & ~3, bytes.length - offset);
    yield {
      type: bytes.readUInt16LE(offset + 2) & attributeTypeMask,
      value: bytes.subarray(offset + 4, offset + length),
      whole: bytes.subarray(offset, offset + padded),
    };
    offset += padded;
  }
}

/** Encodes one attribute, padded. */
export function netlinkAttribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}
