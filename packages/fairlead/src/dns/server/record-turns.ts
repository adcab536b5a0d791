// Hot path: which record of a set comes first. No allocation.

import type { AnswerWriter } from './answer-writer.ts';
import { policyHeadBytes, policyIsSticky } from './table-layout.ts';

/** Rotation, and the rules of a Service. One per thread. */
export class RecordTurns {
  readonly #writer: AnswerWriter;
  #turn = 0;

  constructor(writer: AnswerWriter) {
    this.#writer = writer;
  }

  /** Each record in turn. */
  next(records: number): number {
    this.#turn = (this.#turn + 1) & 0x3fffffff;
    return this.#turn % records;
  }

  /**
   * By the rules behind the records of `size` bytes at `from` (see setHasPolicy in table-layout.ts): the client's, by
   * schedule, or each in turn.
   */
  ruled(bytes: Uint8Array, from: number, size: number, records: number): number {
    const at = from + size * records;
    const numbers = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const rules = (bytes[at + 4]! << 8) | bytes[at + 5]!;
    if (rules !== 0) {
      const bits = rules & 0xff;
      const client = this.#writer.client();
      const dataBytes = size - 12;
      const turn = bits === 0 ? 0 : this.next(records);
      const near = bits === 0 ? -1 : client.nearestFirst(bytes, from, size, dataBytes, records, bits, turn);
      if (near >= 0) return near;
      if ((rules & policyIsSticky) !== 0) {
        const weightsAt = numbers === records ? at + policyHeadBytes : -1;
        return client.stickyFirst(bytes, from, size, dataBytes, records, weightsAt);
      }
      if (bits !== 0 && numbers === 0) return turn;
    }
    if (numbers === 0) return this.next(records);
    const place = at + policyHeadBytes + this.next(numbers) * 2;
    return (bytes[place]! << 8) | bytes[place + 1]!;
  }
}
