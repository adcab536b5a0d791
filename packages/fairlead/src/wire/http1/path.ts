/** A path without dot segments, or why it is refused. */
export type NormalPath = { readonly ok: true; readonly path: Buffer } | { readonly ok: false };

/**
 * Normalises an absolute path so that matching and the upstream see the same one: decodes
 * percent-encoded unreserved characters (RFC 3986 6.2.2.2) and removes dot segments (5.2.4).
 * Encoded slashes stay encoded and never separate segments. Refused: a broken escape, an
 * encoded NUL, and a path that climbs above the root.
 */
export function normalizePath(raw: Uint8Array): NormalPath {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
  if (/%(?![0-9a-fA-F]{2})|%00/.test(text)) return { ok: false };
  const decoded = text.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : whole;
  });
  const segments = decoded.split('/').slice(1);
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') {
      if (kept.pop() === undefined) return { ok: false };
      if (last) kept.push('');
    } else if (segment === '.') {
      if (last) kept.push('');
    } else kept.push(segment);
  }
  return { ok: true, path: Buffer.from(`/${kept.join('/')}`, 'latin1') };
}

/** Whether a path holds something that {@link normalizePath} would change or refuse: `/.` or `%`. */
export function pathIsPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x25 || (byte === 0x2e && bytes[i - 1] === 0x2f)) return false;
  }
  return true;
}
