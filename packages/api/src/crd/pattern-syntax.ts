/** A regular expression as a tree. */
export type PatternNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'char'; readonly accepts: (code: number) => boolean }
  | {
      readonly kind: 'assert';
      readonly assertion: 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';
    }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly items: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly item: PatternNode;
      readonly min: number;
      /** Absent: without end. */
      readonly max: number | undefined;
      readonly greedy: boolean;
    };

/** Why a pattern is none; the message is Go's `error parsing regexp: …`. */
export class PatternSyntaxError extends Error {
  override readonly name: string = 'PatternSyntaxError';

  constructor(reason: string, part: string) {
    super(`error parsing regexp: ${reason}${part === '' ? '' : `: \`${part}\``}`);
  }
}

/** Most repetitions RE2 counts. */
const maxRepeat = 1000;
const maxDepth = 200;

type Accepts = (code: number) => boolean;

const digit: Accepts = (code) => code >= 48 && code <= 57;
const word: Accepts = (code) => digit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const space: Accepts = (code) => code === 32 || (code >= 9 && code <= 13 && code !== 11);
const not =
  (accepts: Accepts): Accepts =>
  (code) =>
    !accepts(code);
const perlClasses: Readonly<Record<string, Accepts>> = {
  d: digit,
  D: not(digit),
  w: word,
  W: not(word),
  s: space,
  S: not(space),
};
const between =
  (...pairs: readonly (readonly [number, number])[]): Accepts =>
  (code) =>
    pairs.some(([low, high]) => code >= low && code <= high);
const posixClasses: Readonly<Record<string, Accepts>> = {
  alnum: between([48, 57], [65, 90], [97, 122]),
  alpha: between([65, 90], [97, 122]),
  ascii: between([0, 127]),
  blank: (code) => code === 32 || code === 9,
  cntrl: between([0, 31], [127, 127]),
  digit,
  graph: between([33, 126]),
  lower: between([97, 122]),
  print: between([32, 126]),
  punct: between([33, 47], [58, 64], [91, 96], [123, 126]),
  space: (code) => space(code) || code === 11,
  upper: between([65, 90]),
  word,
  xdigit: between([48, 57], [65, 70], [97, 102]),
};
const controlEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Flags of a group: case, multi-line, dot matches newline, ungreedy. */
interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly U: boolean;
}

/** Reads a pattern in RE2 syntax; throws {@link PatternSyntaxError}. */
export function parsePattern(source: string): PatternNode {
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #chars: readonly string[];
  readonly #source: string;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#chars = [...source];
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#chars.length) throw new PatternSyntaxError('unexpected )', this.#source);
    return node;
  }

  #choice(): PatternNode {
    if (++this.#depth > maxDepth) throw new PatternSyntaxError('expression nests too deeply', this.#source);
    const outer = this.#flags;
    const items = [this.#sequence()];
    while (this.#chars[this.#at] === '|') {
      this.#at++;
      items.push(this.#sequence());
    }
    this.#flags = outer;
    this.#depth--;
    return items.length === 1 ? items[0]! : { kind: 'choice', items };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    for (;;) {
      const char = this.#chars[this.#at];
      if (char === undefined || char === '|' || char === ')') break;
      const start = this.#at;
      const atom = this.#atom(items);
      if (atom !== undefined) items.push(this.#repeated(atom, start));
    }
    if (items.length === 1) return items[0]!;
    return items.length === 0 ? { kind: 'empty' } : { kind: 'sequence', items };
  }

  /** One element; `undefined` for a flag group, which has no content. */
  #atom(before: PatternNode[]): PatternNode | undefined {
    const char = this.#chars[this.#at++]!;
    switch (char) {
      case '.':
        return { kind: 'char', accepts: this.#flags.s ? () => true : (code) => code !== 10 };
      case '^':
        return { kind: 'assert', assertion: this.#flags.m ? 'lineStart' : 'start' };
      case '$':
        return { kind: 'assert', assertion: this.#flags.m ? 'lineEnd' : 'end' };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'char', accepts: this.#folded(this.#set()) };
      case '\\':
        return this.#escape(before);
      case '*':
      case '+':
      case '?':
        throw new PatternSyntaxError('missing argument to repetition operator', char);
      default:
        return this.#literal(char.codePointAt(0)!);
    }
  }

  #literal(wanted: number): PatternNode {
    return { kind: 'char', accepts: this.#folded((code) => code === wanted) };
  }

  #folded(accepts: Accepts): Accepts {
    if (!this.#flags.i) return accepts;
    return (code) => {
      const text = String.fromCodePoint(code);
      return (
        accepts(code) || accepts(text.toLowerCase().codePointAt(0)!) || accepts(text.toUpperCase().codePointAt(0)!)
      );
    };
  }

  #group(): PatternNode | undefined {
    const rest = this.#chars.slice(this.#at, this.#at + 80).join('');
    if (rest.startsWith('?')) {
      const named = /^\?P?<([A-Za-z0-9_]+)>/.exec(rest);
      if (named !== null) {
        this.#at += named[0].length;
      } else {
        const flags = /^\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest);
        if (flags === null) {
          throw new PatternSyntaxError('invalid or unsupported Perl syntax', `(${rest.slice(0, 2)}`);
        }
        this.#at += flags[0].length;
        const changed = { ...this.#flags };
        for (const flag of flags[1]!) changed[flag as keyof Flags] = true;
        for (const flag of flags[2] ?? '') changed[flag as keyof Flags] = false;
        if (flags[3] === ')') {
          this.#flags = changed;
          return undefined;
        }
        const outer = this.#flags;
        this.#flags = changed;
        const inner = this.#inGroup();
        this.#flags = outer;
        return inner;
      }
    }
    return this.#inGroup();
  }

  #inGroup(): PatternNode {
    const inner = this.#choice();
    if (this.#chars[this.#at] !== ')') throw new PatternSyntaxError('missing closing )', this.#source);
    this.#at++;
    return inner;
  }

  #escape(before: PatternNode[]): PatternNode {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new PatternSyntaxError('trailing backslash at end of expression', '');
    switch (char) {
      case 'A':
        return { kind: 'assert', assertion: 'start' };
      case 'z':
        return { kind: 'assert', assertion: 'end' };
      case 'b':
        return { kind: 'assert', assertion: 'word' };
      case 'B':
        return { kind: 'assert', assertion: 'notWord' };
      case 'Q':
        return this.#quoted(before);
    }
    const set = this.#classEscape(char);
    return set === undefined ? this.#literal(this.#codeEscape(char)) : { kind: 'char', accepts: this.#folded(set) };
  }

  #quoted(before: PatternNode[]): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#chars.length) {
      if (this.#chars[this.#at] === '\\' && this.#chars[this.#at + 1] === 'E') {
        this.#at += 2;
        break;
      }
      items.push(this.#literal(this.#chars[this.#at++]!.codePointAt(0)!));
    }
    // A repetition after \E binds to the last character only.
    const last = items.pop();
    before.push(...items);
    return last ?? { kind: 'empty' };
  }

  #classEscape(char: string): Accepts | undefined {
    if (Object.hasOwn(perlClasses, char)) return perlClasses[char];
    if (char !== 'p' && char !== 'P') return undefined;
    let name = this.#chars[this.#at++] ?? '';
    if (name === '{') {
      const end = this.#chars.indexOf('}', this.#at);
      if (end < 0) throw new PatternSyntaxError('invalid character class range', `\\${char}{`);
      name = this.#chars.slice(this.#at, end).join('');
      this.#at = end + 1;
    }
    const negated = (char === 'P') !== name.startsWith('^');
    const plain = name.replace(/^\^/, '');
    let pattern: RegExp;
    try {
      pattern = /^[A-Z][a-z]?$/.test(plain)
        ? new RegExp(`^\\p{${plain}}$`, 'u')
        : new RegExp(`^\\p{Script=${/^[A-Za-z_]+$/.test(plain) ? plain : '!'}}$`, 'u');
    } catch {
      throw new PatternSyntaxError('invalid character class range', `\\${char}{${plain}}`);
    }
    const inside: Accepts = (code) => pattern.test(String.fromCodePoint(code));
    return negated ? not(inside) : inside;
  }

  #codeEscape(char: string): number {
    const rest = this.#chars.slice(this.#at, this.#at + 10).join('');
    if (Object.hasOwn(controlEscapes, char)) return controlEscapes[char]!;
    if (char === 'x') {
      const hex = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
      if (hex !== null) {
        this.#at += hex[0].length;
        const code = Number.parseInt(hex[1] ?? hex[2]!, 16);
        if (code <= 0x10ffff) return code;
      }
      throw new PatternSyntaxError('invalid escape sequence', `\\x${rest.slice(0, 1)}`);
    }
    if (char === '0') {
      const octal = /^[0-7]{0,2}/.exec(rest)![0];
      this.#at += octal.length;
      return Number.parseInt(octal === '' ? '0' : octal, 8);
    }
    if (/[A-Za-z0-9]/.test(char)) throw new PatternSyntaxError('invalid escape sequence', `\\${char}`);
    return char.codePointAt(0)!;
  }

  #set(): Accepts {
    const start = this.#at - 1;
    const negated = this.#chars[this.#at] === '^';
    if (negated) this.#at++;
    const parts: Accepts[] = [];
    for (let first = true; ; first = false) {
      const char = this.#chars[this.#at++];
      if (char === undefined) {
        throw new PatternSyntaxError('missing closing ]', this.#chars.slice(start).join(''));
      }
      if (char === ']' && !first) break;
      if (char === '[' && this.#chars[this.#at] === ':') {
        const named = /^:(\^?)([a-z]+):\]/.exec(this.#chars.slice(this.#at, this.#at + 20).join(''));
        const known = named === null ? undefined : posixClasses[named[2]!];
        if (named !== null) {
          if (known === undefined) throw new PatternSyntaxError('invalid character class range', `[${named[0]}`);
          this.#at += named[0].length;
          parts.push(named[1] === '^' ? not(known) : known);
          continue;
        }
      }
      let low = char.codePointAt(0)!;
      if (char === '\\') {
        const escaped = this.#chars[this.#at++];
        if (escaped === undefined) throw new PatternSyntaxError('trailing backslash at end of expression', '');
        const set = this.#classEscape(escaped);
        if (set !== undefined) {
          parts.push(set);
          continue;
        }
        low = this.#codeEscape(escaped);
      }
      parts.push(this.#range(low));
    }
    const inside: Accepts = (code) => parts.some((part) => part(code));
    return negated ? not(inside) : inside;
  }

  #range(low: number): Accepts {
    if (this.#chars[this.#at] !== '-' || this.#chars[this.#at + 1] === ']') return (code) => code === low;
    const start = this.#at;
    this.#at++;
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new PatternSyntaxError('missing closing ]', this.#source);
    const high = char === '\\' ? this.#codeEscape(this.#chars[this.#at++] ?? '') : char.codePointAt(0)!;
    if (high < low) {
      const text = `${String.fromCodePoint(low)}${this.#chars.slice(start, this.#at).join('')}`;
      throw new PatternSyntaxError('invalid character class range', text);
    }
    return (code) => code >= low && code <= high;
  }

  #repeated(atom: PatternNode, start: number): PatternNode {
    let node = atom;
    let repeats = 0;
    for (;;) {
      const operatorStart = this.#at;
      const bounds = this.#bounds();
      if (bounds === undefined) return node;
      if (repeats++ > 0) {
        const text = this.#chars.slice(operatorStart - 1, this.#at).join('');
        throw new PatternSyntaxError('invalid nested repetition operator', text);
      }
      let greedy = !this.#flags.U;
      if (this.#chars[this.#at] === '?') {
        this.#at++;
        greedy = !greedy;
      }
      const { min, max } = bounds;
      if (min > maxRepeat || (max !== undefined && (max > maxRepeat || max < min))) {
        throw new PatternSyntaxError('invalid repeat count', this.#chars.slice(start, this.#at).join(''));
      }
      node = { kind: 'repeat', item: node, min, max, greedy };
    }
  }

  #bounds(): { readonly min: number; readonly max: number | undefined } | undefined {
    switch (this.#chars[this.#at]) {
      case '*':
        this.#at++;
        return { min: 0, max: undefined };
      case '+':
        this.#at++;
        return { min: 1, max: undefined };
      case '?':
        this.#at++;
        return { min: 0, max: 1 };
      case '{': {
        const text = this.#chars.slice(this.#at, this.#at + 16).join('');
        const counted = /^\{([0-9]{1,5})(,([0-9]{0,5}))?\}/.exec(text);
        if (counted === null) return undefined;
        this.#at += counted[0].length;
        const min = Number(counted[1]);
        if (counted[2] === undefined) return { min, max: min };
        return { min, max: counted[3] === '' ? undefined : Number(counted[3]) };
      }
      default:
        return undefined;
    }
  }
}
