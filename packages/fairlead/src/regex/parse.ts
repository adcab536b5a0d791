/** A set of bytes: 1 for those in it. */
export type ByteSet = Uint8Array;

/** A parsed pattern. */
export type RegexNode =
  | { readonly type: 'empty' }
  | { readonly type: 'set'; readonly set: ByteSet }
  | { readonly type: 'start' | 'end' }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly RegexNode[] }
  | { readonly type: 'group'; readonly part: RegexNode; readonly index: number }
  | {
      readonly type: 'repeat';
      readonly part: RegexNode;
      readonly min: number;
      readonly max: number;
      /** As few times as will do: matters to what groups capture, not to whether there is a match. */
      readonly isLazy: boolean;
    };

/** A pattern, and its capturing groups: their number, and indexes by name. Index 0 is the whole match. */
export interface ParsedRegex {
  readonly root: RegexNode;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

/** What the pattern cannot be. */
export class RegexSyntaxError extends Error {}

const REPEAT_MAX = 1000;
const DEPTH_MAX = 100;
const DIGIT = setOf((byte) => byte >= 48 && byte <= 57);
const WORD = setOf((byte) => DIGIT[byte] === 1 || byte === 95 || isLetter(byte));
const SPACE = setOf((byte) => byte === 32 || (byte >= 9 && byte <= 13));
const ANY = setOf((byte) => byte !== 10);
const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: inverse(DIGIT),
  w: WORD,
  W: inverse(WORD),
  s: SPACE,
  S: inverse(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/**
 * Parses what RE2 and JavaScript have in common: literals, `.`, classes, groups, `|`, `* + ? {n,m}`
 * (lazy or not), `^`, `$`, and `(?i)` at the start. Look-around, back-references and `\b` are
 * refused. Bytes stand for characters; a character beyond ASCII is its UTF-8 bytes.
 *
 * @throws RegexSyntaxError with a message for the user.
 */
export function parseRegex(pattern: string): ParsedRegex {
  return new RegexParser(pattern).parse();
}

class RegexParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #ignoreCase = false;
  #groups = 0;
  readonly #names: Map<string, number> = new Map();

  constructor(pattern: string) {
    this.#text = pattern;
  }

  parse(): ParsedRegex {
    if (this.#take('(?i)')) this.#ignoreCase = true;
    const root = this.#choice();
    if (this.#at < this.#text.length) this.#fail('unmatched )');
    return { root, groups: this.#groups, names: this.#names };
  }

  #fail(message: string): never {
    throw new RegexSyntaxError(`${message} at position ${this.#at}`);
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): RegexNode {
    if (++this.#depth > DEPTH_MAX) this.#fail('groups nested too deeply');
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0]! : { type: 'choice', parts };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      parts.push(this.#repeated(this.#atom()));
    }
    if (parts.length === 0) return { type: 'empty' };
    return parts.length === 1 ? parts[0]! : { type: 'sequence', parts };
  }

  #repeated(part: RegexNode): RegexNode {
    let node = part;
    for (let times = 0; ; times++) {
      let min = 0;
      let max = Infinity;
      if (this.#take('+')) min = 1;
      else if (this.#take('?')) max = 1;
      else if (!this.#take('*')) {
        const braces = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#text.slice(this.#at, this.#at + 16));
        if (braces === null) return node;
        this.#at += braces[0].length;
        min = Number(braces[1]);
        max = braces[2] === undefined ? min : braces[3] === '' ? Infinity : Number(braces[3]);
        if (min > max || min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX))
          this.#fail(`repetition {${min},${max}} out of range (at most ${REPEAT_MAX})`);
      }
      if (times > 0 || part.type === 'start' || part.type === 'end') this.#fail('nothing to repeat');
      node = { type: 'repeat', part: node, min, max, isLazy: this.#take('?') };
    }
  }

  #atom(): RegexNode {
    const char = this.#text[this.#at]!;
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return { type: 'set', set: this.#folded(this.#class()) };
      case '.':
        this.#at++;
        return { type: 'set', set: ANY };
      case '^':
        this.#at++;
        return { type: 'start' };
      case '$':
        this.#at++;
        return { type: 'end' };
      case '\\':
        return { type: 'set', set: this.#folded(this.#escape(false)) };
      case '*':
      case '+':
      case '?':
        return this.#fail('nothing to repeat');
      default:
        return this.#literal();
    }
  }

  #literal(): RegexNode {
    const point = this.#text.codePointAt(this.#at)!;
    const char = String.fromCodePoint(point);
    this.#at += char.length;
    const sets = [...Buffer.from(char)].map((byte): RegexNode => ({ type: 'set', set: this.#folded(single(byte)) }));
    return sets.length === 1 ? sets[0]! : { type: 'sequence', parts: sets };
  }

  #group(): RegexNode {
    this.#at++;
    let index = 0;
    if (this.#take('?')) {
      const named = /^(?::|P?<([A-Za-z_]\w*)>)/.exec(this.#text.slice(this.#at, this.#at + 64));
      if (named === null) this.#fail('look-around and inline flags are not supported, since their time is not bounded');
      this.#at += named[0].length;
      const [, name] = named;
      if (name !== undefined) {
        if (this.#names.has(name)) this.#fail(`a second group ${name}`);
        index = ++this.#groups;
        this.#names.set(name, index);
      }
    } else index = ++this.#groups;
    const part = this.#choice();
    if (!this.#take(')')) this.#fail('missing )');
    return index === 0 ? part : { type: 'group', part, index };
  }

  #escape(inClass: boolean): ByteSet {
    this.#at++;
    const char = this.#text[this.#at];
    if (char === undefined) this.#fail('nothing behind \\');
    this.#at++;
    const known = CLASSES[char];
    if (known !== undefined) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return single(control);
    if (char === 'x') {
      const digits = /^[0-9A-Fa-f]{2}/.exec(this.#text.slice(this.#at, this.#at + 2));
      if (digits === null) this.#fail('\\x needs two hexadecimal digits');
      this.#at += 2;
      return single(Number.parseInt(digits[0], 16));
    }
    if (/[1-9k]/.test(char) && !inClass)
      this.#fail('back-references are not supported, since their time is not bounded');
    if (/[A-Za-z0-9]/.test(char)) this.#fail(`\\${char} is not supported`);
    if (char.charCodeAt(0) > 127) this.#fail('only ASCII characters can be escaped');
    return single(char.charCodeAt(0));
  }

  #class(): ByteSet {
    this.#at++;
    const isInverse = this.#take('^');
    const set = new Uint8Array(256);
    for (let first = true; ; first = false) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('missing ]');
      if (char === ']' && !first) break;
      const from = this.#classItem();
      if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']' || typeof from !== 'number') {
        if (typeof from === 'number') set[from] = 1;
        else for (let byte = 0; byte < 256; byte++) set[byte] = set[byte]! | from[byte]!;
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      if (typeof to !== 'number' || to < from) this.#fail('range out of order');
      for (let byte = from; byte <= to; byte++) set[byte] = 1;
    }
    this.#at++;
    return isInverse ? inverse(this.#folded(set)) : set;
  }

  /** A byte, or a set for `\d` and the like. */
  #classItem(): number | ByteSet {
    const char = this.#text[this.#at];
    if (char === undefined) this.#fail('missing ]');
    if (char === '\\') {
      const set = this.#escape(true);
      const only = set.indexOf(1);
      return only >= 0 && set.lastIndexOf(1) === only ? only : set;
    }
    if (char.charCodeAt(0) > 127) this.#fail('a class can only hold ASCII characters');
    this.#at++;
    return char.charCodeAt(0);
  }

  #folded(set: ByteSet): ByteSet {
    if (!this.#ignoreCase) return set;
    return setOf((byte) => set[byte] === 1 || (isLetter(byte) && set[byte ^ 32] === 1));
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

function setOf(holds: (byte: number) => boolean): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
}

function single(byte: number): ByteSet {
  return setOf((each) => each === byte);
}

function inverse(set: ByteSet): ByteSet {
  return set.map((value) => 1 - value);
}
