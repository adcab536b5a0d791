// Hot path: `test` takes one step per byte; states are made when they are first needed.
import { type ByteSet, parseRegex, type RegexNode, RegexSyntaxError } from './parse.ts';

/** Instructions of a compiled pattern: most work of one step. */
const PROGRAM_MAX = 4_000;
/** States kept; beyond, all are forgotten and made again as needed. */
const STATES_MAX = 500;

const SET = 0;
const SPLIT = 1;
const START = 2;
const END = 3;
const MATCH = 4;

interface Instruction {
  readonly op: number;
  readonly set: ByteSet | undefined;
  /** Following instructions. */
  next: number;
  other: number;
}

interface State {
  /** Instructions that wait for a byte, or for the end. */
  readonly threads: Int32Array;
  readonly next: (State | undefined)[];
  /** The pattern matches if the input ends here. */
  readonly accepts: boolean;
}

/**
 * A regular expression that matches whole texts in time linear in their length, whatever the
 * pattern (Thompson's construction, run as a DFA that is built while it runs). Made by {@link compileRegex}.
 */
export class LinearRegex {
  readonly #program: Instruction[] = [];
  readonly #states: Map<string, State> = new Map();
  readonly #first: State;
  readonly #dead: State;

  /** @throws RegexSyntaxError */
  constructor(pattern: string) {
    const { root } = parseRegex(pattern);
    const match = this.#emit(MATCH, undefined, 0, 0);
    const start = this.#compile(root, match);
    this.#first = this.#stateOf([start], true);
    this.#dead = this.#stateOf([], false);
  }

  /** Whether the pattern matches the whole of `bytes[start, end)`. */
  test(bytes: Uint8Array, start: number, end: number): boolean {
    let state = this.#first;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      state = state.next[byte] ?? this.#step(state, byte);
      if (state === this.#dead) return false;
    }
    return state.accepts;
  }

  /** The same for a text: its UTF-8 bytes. */
  testText(text: string): boolean {
    const bytes = Buffer.from(text);
    return this.test(bytes, 0, bytes.length);
  }

  #emit(op: number, set: ByteSet | undefined, next: number, other: number): number {
    if (this.#program.length >= PROGRAM_MAX) throw new RegexSyntaxError('the pattern is too large');
    return this.#program.push({ op, set, next, other }) - 1;
  }

  /** Compiles a node that goes on at `next`; returns where it begins. */
  #compile(node: RegexNode, next: number): number {
    switch (node.type) {
      case 'empty':
        return next;
      case 'set':
        return this.#emit(SET, node.set, next, 0);
      case 'start':
        return this.#emit(START, undefined, next, 0);
      case 'end':
        return this.#emit(END, undefined, next, 0);
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.#compile(part, after), next);
      case 'choice':
        return node.parts
          .map((part) => this.#compile(part, next))
          .reduce((left, right) => this.#emit(SPLIT, undefined, left, right));
      case 'group':
        return this.#compile(node.part, next);
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat({ part, min, max }: Extract<RegexNode, { type: 'repeat' }>, next: number): number {
    let at = next;
    if (max === Infinity) {
      const loop = this.#emit(SPLIT, undefined, 0, next);
      this.#program[loop]!.next = this.#compile(part, loop);
      at = loop;
    } else {
      for (let i = min; i < max; i++) at = this.#emit(SPLIT, undefined, this.#compile(part, at), next);
    }
    for (let i = 0; i < min; i++) at = this.#compile(part, at);
    return at;
  }

  #step(state: State, byte: number): State {
    const reached: number[] = [];
    for (const thread of state.threads) {
      const { set, next } = this.#program[thread]!;
      if (set !== undefined && set[byte] === 1) reached.push(next);
    }
    const next = this.#stateOf(reached, false);
    state.next[byte] = next;
    return next;
  }

  #stateOf(entries: readonly number[], atStart: boolean): State {
    const threads = Int32Array.from(this.#closure(entries, atStart, false)).sort();
    // Where `^` still holds a state may accept what it would not later.
    const key = `${atStart ? '^' : ''}${threads.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= STATES_MAX) this.#forget();
    const accepts = this.#closure([...threads], atStart, true).has(0);
    const state: State = { threads, next: [], accepts };
    this.#states.set(key, state);
    return state;
  }

  /** Frees the states; those in use are reached again through their threads. */
  #forget(): void {
    for (const state of this.#states.values()) state.next.length = 0;
    this.#states.clear();
    this.#states.set('', this.#dead);
  }

  /** Instructions that wait for input, reachable without any. Those that wait for the end count as waiting. */
  #closure(entries: readonly number[], atStart: boolean, atEnd: boolean): Set<number> {
    const seen = new Set<number>();
    const waiting = new Set<number>();
    const stack = [...entries];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const { op, next, other } = this.#program[at]!;
      if (op === SPLIT) stack.push(next, other);
      else if (op === START) {
        if (atStart) stack.push(next);
      } else if (op === END && atEnd) stack.push(next);
      else waiting.add(at);
    }
    return waiting;
  }
}

/** A compiled pattern, or why it is refused: a message for a condition or event. */
export type RegexResult =
  | { readonly ok: true; readonly regex: LinearRegex }
  | { readonly ok: false; readonly problem: string };

/** Compiles a pattern for whole texts. Refuses what cannot be matched in linear time. */
export function compileRegex(pattern: string): RegexResult {
  try {
    return { ok: true, regex: new LinearRegex(pattern) };
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return { ok: false, problem: `${JSON.stringify(pattern)}: ${error.message}` };
  }
}
