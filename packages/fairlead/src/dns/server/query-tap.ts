import type { Clock } from '../../sys/clock.ts';
import { rcode, rrType } from '../../wire/dns/constants.ts';
import { control } from './table-layout.ts';

/** Queries that are told in a second; of more only their number is. */
const linesPerSecond = 5000;
const secondMs = 1000;

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(rrType).map(([name, type]) => [type, name]));
const codeNames: ReadonlyMap<number, string> = new Map(Object.entries(rcode).map(([name, code]) => [code, name]));

/** A query and what became of it. */
export interface TappedQuery {
  readonly client: string;
  /** Dotted, as it was asked. */
  readonly name: string;
  readonly type: number;
  /** Response code; -1: not answered from the table, but looked up. */
  readonly code: number;
  /** `stream`: TCP, TLS or HTTPS. */
  readonly protocol: 'udp' | 'stream';
}

/**
 * Tells who listens right now of queries, as lines of JSON. The threads see by a word of shared memory that somebody
 * does, and how many more they may tell of in this second.
 */
export class QueryTap {
  readonly #words: Int32Array;
  readonly #clock: Clock;
  #take: ((lines: string, dropped?: number) => void) | undefined;
  #cancel: (() => void) | undefined;

  /** @param words the control words of the answer table */
  constructor(words: Int32Array, clock: Clock) {
    this.#words = words;
    this.#clock = clock;
  }

  /** Tells of every query from now on, until the returned function is called. */
  start(take: (lines: string, dropped?: number) => void): () => void {
    // Before anybody takes: what the listener before missed is not this one's.
    this.#nextSecond();
    this.#take = take;
    Atomics.store(this.#words, control.tapped, 1);
    return () => {
      Atomics.store(this.#words, control.tapped, 0);
      this.#cancel?.();
      this.#take = undefined;
    };
  }

  #nextSecond(): void {
    Atomics.store(this.#words, control.tapsLeft, linesPerSecond);
    const lost = Atomics.exchange(this.#words, control.tapsLost, 0);
    if (lost > 0) this.#take?.('', lost);
    this.#cancel = this.#clock.after(secondMs, () => this.#nextSecond());
  }

  /** Whether the next query shall be told. */
  wants(): boolean {
    return mayTap(this.#words);
  }

  /** Tells of a query. */
  tell({ client, name, type, code, protocol }: TappedQuery): void {
    const line = {
      time: new Date(this.#clock.now()).toISOString(),
      client,
      protocol,
      type: typeNames.get(type) ?? `TYPE${type}`,
      name,
      answer: code < 0 ? 'looked up' : (codeNames.get(code) ?? `RCODE${code}`),
    };
    this.#take?.(`${JSON.stringify(line)}\n`);
  }
}

/** Whether a thread shall tell of the query that it has just answered. Takes one from what is left of this second. */
export function mayTap(words: Int32Array): boolean {
  if (words[control.tapped] === 0) return false;
  if (Atomics.sub(words, control.tapsLeft, 1) > 0) return true;
  Atomics.add(words, control.tapsLost, 1);
  return false;
}
