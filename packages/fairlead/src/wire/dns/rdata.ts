import type { WireName } from './name.ts';

/** Four bytes of a dotted IPv4 address (no leading zeros, no short forms); absent: not one. */
export function ipv4Bytes(text: string): Uint8Array | undefined {
  const value = ipv4Value(text);
  return value < 0 ? undefined : Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** A dotted IPv4 address as a number below 2^32; -1: not one. */
export function ipv4Value(text: string): number {
  let parts = 0;
  let digits = 0;
  let value = 0;
  let whole = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = at < text.length ? text.charCodeAt(at) : 0x2e;
    if (char === 0x2e) {
      if (digits === 0 || parts > 3) return -1;
      whole = whole * 256 + value;
      parts++;
      digits = 0;
      value = 0;
    } else {
      if (char < 0x30 || char > 0x39 || (digits > 0 && value === 0)) return -1;
      value = value * 10 + char - 0x30;
      digits++;
      if (value > 255) return -1;
    }
  }
  return parts === 4 ? whole : -1;
}

/** Sixteen bytes of an IPv6 address in any RFC 4291 2.2 form without zone; absent: not one. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (part: string, last: boolean): number[] | undefined => {
    if (part === '') return [];
    const words: number[] = [];
    const pieces = part.split(':');
    for (const [index, piece] of pieces.entries()) {
      if (piece.includes('.')) {
        const v4 = last && index === pieces.length - 1 ? ipv4Bytes(piece) : undefined;
        if (v4 === undefined) return undefined;
        words.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) words.push(Number.parseInt(piece, 16));
      else return undefined;
    }
    return words;
  };
  const head = groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const words = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** Data of an SRV record (RFC 2782). */
export function srvData(priority: number, weight: number, port: number, target: WireName): Uint8Array {
  const data = new Uint8Array(6 + target.length);
  const view = new DataView(data.buffer);
  view.setUint16(0, priority);
  view.setUint16(2, weight);
  view.setUint16(4, port);
  data.set(target, 6);
  return data;
}

/** Times of an SOA record, in seconds. */
export interface SoaTimes {
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** Also the TTL bound of negative answers (RFC 2308). */
  readonly minimum: number;
}

/** Data of an SOA record (RFC 1035 3.3.13). */
export function soaData(primary: WireName, mailbox: WireName, serial: number, times: SoaTimes): Uint8Array {
  const data = new Uint8Array(primary.length + mailbox.length + 20);
  data.set(primary, 0);
  data.set(mailbox, primary.length);
  const view = new DataView(data.buffer, primary.length + mailbox.length);
  view.setUint32(0, serial);
  view.setUint32(4, times.refresh);
  view.setUint32(8, times.retry);
  view.setUint32(12, times.expire);
  view.setUint32(16, times.minimum);
  return data;
}

/** Data of a TXT or HINFO record: character strings of at most 255 bytes each; longer text is split. */
export function textData(texts: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  for (const text of texts) {
    const encoded = new TextEncoder().encode(text);
    for (let at = 0; at === 0 || at < encoded.length; at += 255) {
      const piece = encoded.subarray(at, at + 255);
      bytes.push(piece.length, ...piece);
    }
  }
  return Uint8Array.from(bytes);
}

/** Text of the data of an A or AAAA record; IPv6 in the form of RFC 5952. */
export function addressText(data: Uint8Array): string {
  if (data.length === 4) return `${data[0]}.${data[1]}.${data[2]}.${data[3]}`;
  const words = Array.from({ length: 8 }, (_, index) => (data[index * 2]! << 8) | data[index * 2 + 1]!);
  let best = -1;
  let bestLength = 1;
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && words[from + length] === 0) length++;
    if (length > bestLength) {
      best = from;
      bestLength = length;
    }
  }
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  if (best < 0) return hex(words);
  return `${hex(words.slice(0, best))}::${hex(words.slice(best + bestLength))}`;
}
