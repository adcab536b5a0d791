// Hot path: runs per character of checked strings. No backtracking: time is pattern size x text size.
import { type PatternNode, PatternSyntaxError, parsePattern } from './pattern-syntax.ts';

/** One step of the compiled machine. */
type Instruction =
  | { readonly op: 'match' }
  | { readonly op: 'char'; readonly accepts: (code: number) => boolean; next: number }
  | {
      readonly op: 'assert';
      readonly kind: 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';
      next: number;
    }
  | { readonly op: 'split'; first: number; second: number };

/** Where a pattern was found, in UTF-16 units. */
export interface PatternMatch {
  readonly start: number;
  readonly end: number;
}

/** Largest machine; RE2 limits the size of a program likewise. */
const maxInstructions = 20_000;

/**
 * A regular expression in RE2 syntax that never needs more than linear time in the text:
 * a simulation of all alternatives at once (Thompson 1968, Pike's virtual machine).
 */
export class LinearPattern {
  readonly source: string;
  readonly #program: readonly Instruction[];

  private constructor(source: string, program: readonly Instruction[]) {
    this.source = source;
    this.#program = program;
  }

  /** Compiles a pattern; the error is the reason as RE2 words it. */
  static compile(source: string): LinearPattern | PatternSyntaxError {
    try {
      const compiler = new Compiler();
      compiler.emit(parsePattern(source));
      compiler.program.push({ op: 'match' });
      return new LinearPattern(source, compiler.program);
    } catch (error) {
      if (error instanceof PatternSyntaxError) return error;
      throw error;
    }
  }

  /** True when the pattern occurs anywhere in the text. */
  test(text: string): boolean {
    return this.#run(text, 0, true) !== undefined;
  }

  /** The leftmost occurrence from a position on, the one a backtracking matcher would prefer. */
  find(text: string, from = 0): PatternMatch | undefined {
    return this.#run(text, from, false);
  }

  #run(text: string, from: number, anyEnd: boolean): PatternMatch | undefined {
    const program = this.#program;
    const seen = new Int32Array(program.length).fill(-1);
    let current: number[] = [];
    let starts: number[] = [];
    let found: PatternMatch | undefined;
    let position = from;
    for (;;) {
      const next: number[] = [];
      const nextStarts: number[] = [];
      // A new attempt begins here unless an earlier one has already matched.
      const pending: number[] = [];
      const pendingStarts: number[] = [];
      for (const [index, pc] of current.entries())
        this.#follow(pc, starts[index]!, text, position, seen, pending, pendingStarts);
      if (found === undefined) this.#follow(0, position, text, position, seen, pending, pendingStarts);
      if (pending.length === 0 && found !== undefined) return found;
      const code = position < text.length ? text.codePointAt(position)! : -1;
      for (const [index, pc] of pending.entries()) {
        const instruction = program[pc]!;
        if (instruction.op === 'match') {
          found = { start: pendingStarts[index]!, end: position };
          if (anyEnd) return found;
          break;
        }
        if (instruction.op === 'char' && code >= 0 && instruction.accepts(code)) {
          next.push(instruction.next);
          nextStarts.push(pendingStarts[index]!);
        }
      }
      if (code < 0) return found;
      position += code > 0xffff ? 2 : 1;
      current = next;
      starts = nextStarts;
    }
  }

  /** Follows empty steps in order of preference; `seen` holds the position a step was last reached at. */
  #follow(
    first: number,
    start: number,
    text: string,
    position: number,
    seen: Int32Array,
    out: number[],
    outStarts: number[],
  ): void {
    const stack = [first];
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (seen[pc] === position) continue;
      seen[pc] = position;
      const instruction = this.#program[pc]!;
      if (instruction.op === 'split') stack.push(instruction.second, instruction.first);
      else if (instruction.op === 'assert') {
        if (holds(instruction.kind, text, position)) stack.push(instruction.next);
      } else {
        out.push(pc);
        outStarts.push(start);
      }
    }
  }
}

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
}

function holds(kind: string, text: string, position: number): boolean {
  switch (kind) {
    case 'start':
      return position === 0;
    case 'end':
      return position === text.length;
    case 'lineStart':
      return position === 0 || text[position - 1] === '\n';
    case 'lineEnd':
      return position === text.length || text[position] === '\n';
    default: {
      const before = position > 0 && isWord(text.charCodeAt(position - 1));
      const after = position < text.length && isWord(text.charCodeAt(position));
      return (before !== after) === (kind === 'word');
    }
  }
}

/** Turns the syntax tree into a program whose last step falls through to what comes after. */
class Compiler {
  readonly program: Instruction[] = [];

  #push(instruction: Instruction): number {
    if (this.program.length >= maxInstructions) throw new PatternSyntaxError('expression too large', '');
    return this.program.push(instruction) - 1;
  }

  emit(node: PatternNode): void {
    switch (node.kind) {
      case 'empty':
        return;
      case 'char':
        this.#push({ op: 'char', accepts: node.accepts, next: this.program.length + 1 });
        return;
      case 'assert':
        this.#push({ op: 'assert', kind: node.assertion, next: this.program.length + 1 });
        return;
      case 'sequence':
        for (const item of node.items) this.emit(item);
        return;
      case 'choice':
        this.#choice(node.items);
        return;
      case 'repeat':
        this.#repeat(node);
        return;
    }
  }

  #choice(items: readonly PatternNode[]): void {
    const ends: number[] = [];
    for (const [index, item] of items.entries()) {
      if (index === items.length - 1) {
        this.emit(item);
        break;
      }
      const split = this.#push({ op: 'split', first: this.program.length + 1, second: 0 });
      this.emit(item);
      ends.push(this.#push({ op: 'split', first: 0, second: 0 }));
      (this.program[split] as { second: number }).second = this.program.length;
    }
    for (const end of ends) {
      const jump = this.program[end] as { first: number; second: number };
      jump.first = this.program.length;
      jump.second = this.program.length;
    }
  }

  #repeat(node: Extract<PatternNode, { kind: 'repeat' }>): void {
    for (let count = 0; count < node.min; count++) this.emit(node.item);
    if (node.max === undefined) {
      const loop = this.#push({ op: 'split', first: 0, second: 0 });
      this.emit(node.item);
      this.#push({ op: 'split', first: loop, second: loop });
      this.#aim(loop, node.greedy);
      return;
    }
    const optional: number[] = [];
    for (let count = node.min; count < node.max; count++) {
      optional.push(this.#push({ op: 'split', first: 0, second: 0 }));
      this.emit(node.item);
    }
    for (const split of optional) this.#aim(split, node.greedy);
  }

  /** Points a split at its body and at the end of the program so far. */
  #aim(split: number, greedy: boolean): void {
    const instruction = this.program[split] as { first: number; second: number };
    const end = this.program.length;
    instruction.first = greedy ? split + 1 : end;
    instruction.second = greedy ? end : split + 1;
  }
}
