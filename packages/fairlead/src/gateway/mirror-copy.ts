import type { MirroredHead, WantedMirror } from './filters/filter-run.ts';

/**
 * Copies of one request for its mirrors, made while it is sent to its endpoint, and sent when they are whole: the
 * request itself waits for nothing. Each mirror has its own bound; the bytes are kept once, up to the largest.
 */
export class MirrorCopy {
  readonly #mirrors: readonly WantedMirror[];
  readonly #head: MirroredHead;
  readonly #maxBytes: number;
  readonly #parts: Buffer[] = [];
  #bodyBytes: number;

  constructor(mirrors: readonly WantedMirror[], head: MirroredHead, bytes: Uint8Array, length: number) {
    this.#mirrors = mirrors;
    this.#head = head;
    this.#maxBytes = Math.max(...mirrors.map(({ bodyMaxBytes }) => bodyMaxBytes));
    const first = Buffer.from(bytes.subarray(0, length));
    this.#parts.push(first);
    this.#bodyBytes = length - first.indexOf('\r\n\r\n') - 4;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#bodyBytes += end - start;
    if (this.#bodyBytes <= this.#maxBytes) this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    else this.#parts.length = 0;
  }

  /** The request is whole. */
  send(): void {
    const bytes = this.#parts.length === 0 ? Buffer.alloc(0) : Buffer.concat(this.#parts);
    for (const mirror of this.#mirrors) {
      mirror.send(this.#bodyBytes > mirror.bodyMaxBytes ? undefined : bytes, this.#head);
    }
  }
}
