/** One element of DER (ITU-T X.690): its tag, its content, and the bytes of both. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Bytes that are no DER. */
export class DerError extends Error {
  override readonly name: string = 'DerError';
}

/** The elements that stand one after the other in `bytes`. @throws DerError */
export function derElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes[at++]!;
    let length = bytes[at++] ?? -1;
    if (length > 0x84 || length === 0x80 || (tag & 0x1f) === 0x1f) throw new DerError('unsupported form');
    if (length > 0x80) {
      const octets = length - 0x80;
      length = 0;
      for (let index = 0; index < octets; index++) length = length * 256 + (bytes[at++] ?? Number.NaN);
    }
    const end = at + length;
    if (!(length >= 0) || end > bytes.length) throw new DerError('truncated');
    elements.push({ tag, content: bytes.subarray(at, end), whole: bytes.subarray(start, end) });
    at = end;
  }
  return elements;
}

/** The parts of an element that must have a tag. @throws DerError */
export function derParts(element: DerElement | undefined, tag: number): DerElement[] {
  if (element === undefined || element.tag !== tag) throw new DerError('unexpected element');
  return derElements(element.content);
}

/** An object identifier in dotted form. */
export function oidText(content: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (numbers.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      numbers.push(first, value - first * 40);
    } else numbers.push(value);
    value = 0;
  }
  return numbers.join('.');
}
