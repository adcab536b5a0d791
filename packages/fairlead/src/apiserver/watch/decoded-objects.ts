// Hot path: asked whenever an object is decoded.

/** Something whose decoded form can be made again from its text. */
export interface Decoded {
  /** Characters of the text it is made from. */
  readonly size: number;
  /** True when the decoded form was used since the last call; the call says that it was seen. */
  takeUsed(): boolean;
  /** Drops the decoded form. */
  forget(): void;
}

/**
 * Bounds how many objects are held decoded, by the size of their texts: the clock algorithm, so that what is in use
 * stays. A decoded object takes two to four times the memory of its text.
 */
export class DecodedObjects {
  readonly #limit: number;
  #queue: Decoded[] = [];
  #head = 0;
  #size = 0;

  /** `limit`: characters of text. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Characters of the texts whose objects are held. */
  get size(): number {
    return this.#size;
  }

  /** Takes note of an object that was just decoded, and lets go of others. */
  add(object: Decoded): void {
    this.#size += object.size;
    // The new one waits outside: somebody is about to read it, so it is not let go.
    while (this.#size > this.#limit && this.#head < this.#queue.length) {
      const oldest = this.#queue[this.#head]!;
      this.#head += 1;
      if (oldest.takeUsed()) {
        this.#queue.push(oldest);
      } else {
        this.#size -= oldest.size;
        oldest.forget();
      }
    }
    this.#queue.push(object);
    if (this.#head < 1024 || this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}
