import { headerBytes, labelMaxBytes, nameMaxBytes } from './constants.ts';

/** A name as it is on the wire, uncompressed, with its root label: `\3www\7example\0`. */
export type WireName = Uint8Array;

/** A name read from a message; `next` is the offset behind it in the message. */
export interface ReadName {
  readonly name: WireName;
  readonly next: number;
}

/** ASCII-only case folding of one byte (RFC 4343). Length bytes are at most 63 and never change. */
export function foldByte(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** A lower-case copy of a wire name. */
export function foldName(name: WireName): WireName {
  return name.map(foldByte);
}

/** Map key of a wire name: its lower-case bytes as a latin-1 string. */
export function nameKey(name: WireName, start = 0): string {
  let key = '';
  for (let at = start; at < name.length; at++) key += String.fromCharCode(foldByte(name[at]!));
  return key;
}

/**
 * Reads a name at `offset` of a message that ends at `end`, following compression pointers.
 *
 * A pointer must lead strictly backwards from the start of the labels it ends, so
 * every chain is finite without a counter. Absent: malformed.
 */
export function readName(message: Uint8Array, offset: number, end: number): ReadName | undefined {
  const name = new Uint8Array(nameMaxBytes);
  let length = 0;
  let at = offset;
  let floor = offset;
  let next = -1;
  for (;;) {
    if (at >= end) return undefined;
    const byte = message[at]!;
    if (byte === 0) {
      name[length++] = 0;
      return { name: name.slice(0, length), next: next < 0 ? at + 1 : next };
    }
    if (byte >= 0xc0) {
      if (at + 1 >= end) return undefined;
      const target = ((byte & 0x3f) << 8) | message[at + 1]!;
      if (target >= floor || target < headerBytes) return undefined;
      if (next < 0) next = at + 2;
      floor = target;
      at = target;
      continue;
    }
    if (byte > labelMaxBytes || at + 1 + byte > end || length + byte + 2 > nameMaxBytes) return undefined;
    name.set(message.subarray(at, at + byte + 1), length);
    length += byte + 1;
    at += byte + 1;
  }
}

/** Offset behind a name without reading it; -1 when malformed. Pointers are not followed. */
export function skipName(message: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end) {
    const byte = message[at]!;
    if (byte === 0) return at + 1;
    if (byte >= 0xc0) return at + 2 <= end ? at + 2 : -1;
    if (byte > labelMaxBytes || at - offset > nameMaxBytes) return -1;
    at += byte + 1;
  }
  return -1;
}

/**
 * Writes a name in text as wire bytes at `start`, without allocation; returns its length, or -1 when it
 * has an escape or is none: {@link nameFromText} knows. The target must have room for 255 bytes.
 */
export function writePlainName(text: string, target: Uint8Array, start: number): number {
  const end = text.length;
  if (end === 0 || end > nameMaxBytes - 2) return -1;
  let label = start;
  let at = start + 1;
  for (let index = 0; index < end; index++) {
    const char = text.charCodeAt(index);
    if (char === 0x2e) {
      const size = at - label - 1;
      if (size === 0 || size > labelMaxBytes) return -1;
      target[label] = size;
      label = at++;
    } else if (char === 0x5c || char > 126) return -1;
    else target[at++] = char;
  }
  const size = at - label - 1;
  if (size === 0 || size > labelMaxBytes) return -1;
  target[label] = size;
  target[at++] = 0;
  return at - start;
}

/**
 * A name in text (RFC 1035 5.1: `\.`, `\\`, `\DDD`; a trailing dot is optional) as wire bytes.
 * Absent: an empty label, a label over 63 bytes, a name over 255 bytes or a bad escape.
 */
export function nameFromText(text: string): WireName | undefined {
  // Each label's length goes where its dot was, or in front: text without escapes grows by two bytes.
  const name = new Uint8Array(text.length + 2);
  let labelAt = 0;
  let length = 1;
  const end = text === '.' ? 0 : text.length;
  for (let at = 0; at < end; at++) {
    let byte = text.charCodeAt(at);
    if (byte === 0x2e) {
      const size = length - labelAt - 1;
      if (size === 0 || size > labelMaxBytes) return undefined;
      name[labelAt] = size;
      labelAt = length++;
      continue;
    }
    if (byte === 0x5c) {
      const digits = text.slice(at + 1, at + 4);
      if (/^\d{3}$/.test(digits) && Number(digits) <= 255) {
        byte = Number(digits);
        at += 3;
      } else if (at + 1 < end && !/^\d/.test(digits)) byte = text.charCodeAt(++at);
      else return undefined;
    }
    if (byte > 255) return undefined;
    name[length++] = byte;
  }
  const size = length - labelAt - 1;
  if (size > labelMaxBytes || length > nameMaxBytes) return undefined;
  name[labelAt] = size;
  // Text that ends in a dot has its root label already.
  if (size > 0) name[length++] = 0;
  return length <= nameMaxBytes ? name.subarray(0, length) : undefined;
}

/** A wire name as text without trailing dot (`.` for the root); dots, backslashes and non-graphic bytes are escaped. */
export function nameToText(name: WireName): string {
  const labels: string[] = [];
  for (let at = 0; at < name.length && name[at] !== 0; at += name[at]! + 1) {
    let label = '';
    for (const byte of name.subarray(at + 1, at + 1 + name[at]!)) {
      if (byte === 0x2e || byte === 0x5c) label += `\\${String.fromCharCode(byte)}`;
      else if (byte <= 0x20 || byte >= 0x7f) label += `\\${String(byte).padStart(3, '0')}`;
      else label += String.fromCharCode(byte);
    }
    labels.push(label);
  }
  return labels.length === 0 ? '.' : labels.join('.');
}
