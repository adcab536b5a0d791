/** DER encoding (ITU-T X.690) of the few ASN.1 forms that certificates are made of. */

/** One tag, length and content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length, ...length), body]);
}

/** SEQUENCE: its parts in order. */
export const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, ...items);
/** SET: its parts as they are given; a set of several must come sorted. */
export const set = (...items: readonly Uint8Array[]): Buffer => der(0x31, ...items);
/** BOOLEAN. */
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.of(value ? 0xff : 0));
/** OCTET STRING. */
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
/** UTF8String. */
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

/** A non-negative integer in big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const body = bytes.subarray(start);
  return (body[0] ?? 0) >= 0x80 ? der(0x02, Buffer.of(0), body) : der(0x02, body);
}

/** A bit string; `unused` bits at its end do not count. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return der(0x03, Buffer.of(unused), content);
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const group = [part & 0x7f];
    for (let value = part >>> 7; value > 0; value >>>= 7) group.unshift((value & 0x7f) | 0x80);
    bytes.push(...group);
  }
  return der(0x06, Buffer.from(bytes));
}

/** A time as certificates write it (RFC 5280 4.1.2.5): two-digit years until 2049. */
export function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
  return Number(text.slice(0, 4)) < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}
