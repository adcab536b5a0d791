const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Index of the first byte that makes padded base64 malformed, as Go reports it; -1 when it is well formed. */
export function base64Fault(text: string): number {
  const bad = /[^A-Za-z0-9+/]/.exec(text);
  const end = bad === null ? text.length : bad.index;
  const rest = text.slice(end);
  if (rest === '' && text.length % 4 === 0) return -1;
  if (rest === '=' && end % 4 === 3) return -1;
  if (rest === '==' && end % 4 === 2) return -1;
  if (rest === '') return text.length - (text.length % 4);
  return rest.startsWith('=') && end % 4 >= 2 ? Math.min(end + 1, text.length) : end;
}

/** Bytes as base64 text with padding. */
export function base64Encode(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] ?? 0;
    const b = bytes[i + 1];
    const c = bytes[i + 2];
    text += ALPHABET[a >> 2] ?? '';
    text += ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)] ?? '';
    text += b === undefined ? '=' : (ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)] ?? '');
    text += c === undefined ? '=' : (ALPHABET[c & 63] ?? '');
  }
  return text;
}

/** The bytes that a well-formed base64 text stands for. */
export function base64Decode(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Number of bytes that a padded base64 text stands for. */
export function base64Size(text: string): number {
  return Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}
