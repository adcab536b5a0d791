import { FIELD_VALUE, LOWER } from '../../wire/http1/byte-class.ts';
import { copyBytes } from '../../wire/http1/head-writer.ts';
import type { MessageHead } from '../../wire/http1/message-head.ts';

/** Most bytes that filters add to one head; the output buffer has room for them. */
const LINES_MAX = 16 * 1024;

/** Fields that one request's filters take from a head and add to it. */
export class HeadChange {
  readonly #dropped: Uint8Array[] = [];
  readonly #droppedAlike: Uint8Array[] = [];
  #lines = '';

  get isEmpty(): boolean {
    return this.#dropped.length === 0 && this.#droppedAlike.length === 0 && this.#lines === '';
  }

  clear(): void {
    this.#dropped.length = 0;
    this.#droppedAlike.length = 0;
    this.#lines = '';
  }

  /** Takes all fields of a lower-case name away. Those that were added here stay. */
  drop(name: Uint8Array): void {
    this.#dropped.push(name);
  }

  /**
   * Takes away all fields that a backend may take for this one: CGI and its heirs tell `x-user` from `x_user` no
   * more. For names that say who somebody is.
   */
  dropAlike(name: Uint8Array): void {
    this.#droppedAlike.push(name);
  }

  /**
   * Appends a field; false, and nothing added, for a value with bytes that cannot be in one (RFC 9110 5.5: it
   * would end the line), and beyond {@link LINES_MAX}.
   */
  add(name: string, value: string): boolean {
    const line = `${name}: ${value}\r\n`;
    if (!isFieldValue(value) || this.#lines.length + line.length > LINES_MAX) return false;
    this.#lines += line;
    return true;
  }

  /** Appends lines that are known to be fields, each with its CRLF. */
  addLines(lines: Buffer): void {
    this.#lines += lines.toString('latin1');
  }

  /** Marks what is dropped in a head. */
  applyDrops(head: MessageHead): void {
    for (const name of this.#dropped) head.dropNamed(name);
    for (const name of this.#droppedAlike) {
      for (let index = 0; index < head.fieldCount; index++) if (isAlike(head, index, name)) head.dropped[index] = 1;
    }
  }

  /** Writes what was added; returns the end. */
  write(to: Uint8Array, at: number): number {
    if (this.#lines === '') return at;
    const bytes = Buffer.from(this.#lines, 'latin1');
    return copyBytes(bytes, 0, bytes.length, to, at);
  }

  /** What was added, as lines. */
  get text(): string {
    return this.#lines;
  }
}

/** Whether field `index` has this lower-case name, underscores being as good as hyphens. */
function isAlike(head: MessageHead, index: number, name: Uint8Array): boolean {
  const start = head.nameStart(index);
  if (head.nameEnd(index) - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = head.bytes[start + i]!;
    if ((byte === 95 ? 45 : LOWER[byte]) !== (name[i] === 95 ? 45 : name[i])) return false;
  }
  return true;
}

/** Whether a value can be sent as a field's, byte by byte as Latin-1. */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 255 || FIELD_VALUE[code] === 0) return false;
  }
  return true;
}
