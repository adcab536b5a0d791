import { type ByteSet, parseRegex, type RegexNode, RegexSyntaxError } from './parse.ts';

/** Instructions of a compiled pattern: most threads at one place of a text. */
const PROGRAM_MAX = 2_000;

/** One step of the machine; `next` and `other` are instructions that follow, the preferred one first. */
type Instruction =
  | { readonly op: 'set'; readonly set: ByteSet; next: number }
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'save'; readonly slot: number; next: number }
  | { readonly op: 'start' | 'end'; next: number }
  | { readonly op: 'match' };

/** A way through the pattern: the instruction that waits for a byte, and where groups begin and end so far. */
interface Thread {
  readonly at: number;
  readonly saves: readonly number[];
}

/** What a match captured: texts by index (0: the whole match) and by name. A group that took no part is ''. */
export interface RegexMatch {
  readonly groups: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

/**
 * A regular expression that finds the leftmost match in a text and what its groups captured, in time linear in the
 * text's length (Pike's machine). Made by {@link compileCapturingRegex}.
 */
export class CapturingRegex {
  readonly #program: Instruction[] = [];
  readonly #start: number;
  readonly #groups: number;
  readonly #names: ReadonlyMap<string, number>;

  /** @throws RegexSyntaxError */
  constructor(pattern: string) {
    const { root, groups, names } = parseRegex(pattern);
    this.#groups = groups;
    this.#names = names;
    const match = this.#emit({ op: 'match' });
    const end = this.#emit({ op: 'save', slot: 1, next: match });
    this.#start = this.#emit({ op: 'save', slot: 0, next: this.#compile(root, end) });
  }

  /** Number of capturing groups. */
  get groups(): number {
    return this.#groups;
  }

  /** Names of groups. */
  get names(): ReadonlySet<string> {
    return new Set(this.#names.keys());
  }

  /** The first match in a text; absent: none. */
  match(text: string): RegexMatch | undefined {
    const bytes = Buffer.from(text);
    let threads: Thread[] = [];
    let found: readonly number[] | undefined;
    for (let at = 0; at <= bytes.length; at++) {
      const list = new ThreadList(this.#program, at, bytes.length);
      for (const thread of threads) {
        const instruction = this.#program[thread.at]!;
        if (instruction.op !== 'set' || instruction.set[bytes[at - 1]!] !== 1) continue;
        list.add(instruction.next, thread.saves);
        if (list.matched !== undefined) break;
      }
      // A match that begins further left is preferred, so one may only begin here while there is none.
      if (list.matched === undefined && found === undefined) list.add(this.#start, []);
      if (list.matched !== undefined) found = list.matched;
      threads = list.threads;
      if (threads.length === 0 && found !== undefined) break;
    }
    return found && this.#matchOf(bytes, found);
  }

  #matchOf(bytes: Buffer, saves: readonly number[]): RegexMatch {
    const groups = Array.from({ length: this.#groups + 1 }, (_, index) => {
      const from = saves[index * 2];
      const to = saves[index * 2 + 1];
      return from === undefined || to === undefined ? '' : bytes.toString('utf8', from, to);
    });
    return { groups, named: new Map([...this.#names].map(([name, index]) => [name, groups[index] ?? ''])) };
  }

  #emit(instruction: Instruction): number {
    if (this.#program.length >= PROGRAM_MAX) throw new RegexSyntaxError('the pattern is too large');
    return this.#program.push(instruction) - 1;
  }

  /** Compiles a node that goes on at `next`; returns where it begins. */
  #compile(node: RegexNode, next: number): number {
    switch (node.type) {
      case 'empty':
        return next;
      case 'set':
        return this.#emit({ op: 'set', set: node.set, next });
      case 'start':
      case 'end':
        return this.#emit({ op: node.type, next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.#compile(part, after), next);
      case 'choice':
        return node.parts
          .map((part) => this.#compile(part, next))
          .reduceRight((right, left) => this.#emit({ op: 'split', next: left, other: right }));
      case 'group': {
        const end = this.#emit({ op: 'save', slot: node.index * 2 + 1, next });
        return this.#emit({ op: 'save', slot: node.index * 2, next: this.#compile(node.part, end) });
      }
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat({ part, min, max, isLazy }: Extract<RegexNode, { type: 'repeat' }>, next: number): number {
    const split = (again: number): Instruction =>
      isLazy ? { op: 'split', next, other: again } : { op: 'split', next: again, other: next };
    let at = next;
    if (max === Infinity) {
      // A round that consumes nothing comes back to an instruction that was seen at this place already, and ends.
      const loop: Extract<Instruction, { op: 'split' }> = { op: 'split', next: 0, other: 0 };
      at = this.#emit(loop);
      Object.assign(loop, split(this.#compile(part, at)));
    } else {
      for (let count = min; count < max; count++) at = this.#emit(split(this.#compile(part, at)));
    }
    for (let count = 0; count < min; count++) at = this.#compile(part, at);
    return at;
  }
}

/** Threads at one place of a text, in order of preference, each instruction once. */
class ThreadList {
  readonly threads: Thread[] = [];
  /** Groups of the match that ends here, if one does that no thread before it is preferred to. */
  matched: readonly number[] | undefined;
  readonly #program: readonly Instruction[];
  readonly #seen: Set<number> = new Set();
  readonly #at: number;
  readonly #end: number;

  constructor(program: readonly Instruction[], at: number, end: number) {
    this.#program = program;
    this.#at = at;
    this.#end = end;
  }

  /** Follows what consumes nothing. What comes after a match is not preferred to it, so it ends. */
  add(start: number, saves: readonly number[]): void {
    const stack: Thread[] = [{ at: start, saves }];
    for (let thread = stack.pop(); thread !== undefined && this.matched === undefined; thread = stack.pop()) {
      if (this.#seen.has(thread.at)) continue;
      this.#seen.add(thread.at);
      const step = this.#program[thread.at]!;
      switch (step.op) {
        case 'set':
          this.threads.push(thread);
          break;
        case 'split':
          stack.push({ at: step.other, saves: thread.saves }, { at: step.next, saves: thread.saves });
          break;
        case 'save': {
          const next = [...thread.saves];
          next[step.slot] = this.#at;
          stack.push({ at: step.next, saves: next });
          break;
        }
        case 'start':
          if (this.#at === 0) stack.push({ at: step.next, saves: thread.saves });
          break;
        case 'end':
          if (this.#at === this.#end) stack.push({ at: step.next, saves: thread.saves });
          break;
        case 'match':
          this.matched = thread.saves;
      }
    }
  }
}

/** A compiled pattern, or why it is refused. */
export type CapturingRegexResult =
  | { readonly ok: true; readonly regex: CapturingRegex }
  | { readonly ok: false; readonly problem: string };

/** Compiles a pattern that may match anywhere in a text. Refuses what cannot be matched in linear time. */
export function compileCapturingRegex(pattern: string): CapturingRegexResult {
  try {
    return { ok: true, regex: new CapturingRegex(pattern) };
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return { ok: false, problem: `${JSON.stringify(pattern)}: ${error.message}` };
  }
}
