import { compileCapturingRegex } from '../../regex/capturing-regex.ts';
import { parseNetwork } from '../address-networks.ts';
import type { AddressPrefix } from '../server/address-prefix.ts';
import { tokenizeCondition, ViewProblem, type ViewToken } from './view-tokens.ts';

/** Facts of a query that give a text. Names end in a dot and are lower-case; addresses have no brackets. */
export type TextFact = 'name' | 'type' | 'class' | 'proto' | 'client_ip' | 'port' | 'server_ip' | 'server_port';
/** Facts that give a number: bytes of the query, size that the client takes, ID, opcode. */
export type NumberFact = 'size' | 'bufsize' | 'id' | 'opcode';
/** Facts that are true or not: recursion desired, DNSSEC OK. */
export type TruthFact = 'rd' | 'do';

/** An operator that compares two values. */
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A condition on a query, as plain data; every node has the kind of value that the one above it needs. */
export type ViewExpression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'fact'; readonly fact: TextFact | NumberFact | TruthFact }
  | { readonly kind: 'not'; readonly operand: ViewExpression }
  | { readonly kind: 'and' | 'or'; readonly left: ViewExpression; readonly right: ViewExpression }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly left: ViewExpression;
      readonly right: ViewExpression;
    }
  | { readonly kind: 'member'; readonly of: ViewExpression; readonly list: readonly (string | number)[] }
  | { readonly kind: 'range'; readonly of: ViewExpression; readonly from: number; readonly to: number }
  | {
      readonly kind: 'startsWith' | 'endsWith' | 'contains';
      readonly left: ViewExpression;
      readonly right: ViewExpression;
    }
  /** Matched in linear time, anywhere in the text. */
  | { readonly kind: 'matches'; readonly of: ViewExpression; readonly pattern: string }
  | { readonly kind: 'network'; readonly of: ViewExpression; readonly networks: readonly AddressPrefix[] };

/** A condition, or why it is none. */
export type ParsedViewExpression =
  | { readonly ok: true; readonly expression: ViewExpression }
  | { readonly ok: false; readonly problem: string };

type ValueType = 'text' | 'number' | 'truth';

interface Typed {
  readonly type: ValueType;
  readonly node: ViewExpression;
}

const textFacts: readonly TextFact[] = [
  ...(['name', 'type', 'class', 'proto', 'client_ip', 'port', 'server_ip', 'server_port'] as const),
];
const numberFacts: readonly NumberFact[] = ['size', 'bufsize', 'id', 'opcode'];
const truthFacts: readonly TruthFact[] = ['rd', 'do'];
const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const typeNames: Readonly<Record<ValueType, string>> = { text: 'a text', number: 'a number', truth: 'true or false' };

/** Deepest nesting. */
const maxDepth = 64;
/** Longest condition in characters. */
const maxLength = 16_384;

/**
 * Parses a condition of a view: `or`, `and`, `not`, comparisons, `in` and `not in` lists and ranges, `startsWith`,
 * `endsWith`, `contains`, `matches`, `incidr(…)` and the facts of a query. What is not of this grammar is a problem.
 */
export function parseViewExpression(source: string): ParsedViewExpression {
  try {
    if (source.length > maxLength) throw new ViewProblem('the condition is too long');
    return { ok: true, expression: new ExpressionParser(tokenizeCondition(source)).parse() };
  } catch (error) {
    if (!(error instanceof ViewProblem)) throw error;
    return { ok: false, problem: error.message };
  }
}

/** From the weakest to the strongest: or, and, comparisons, not, single values. */
class ExpressionParser {
  readonly #tokens: readonly ViewToken[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly ViewToken[]) {
    this.#tokens = tokens;
  }

  parse(): ViewExpression {
    const node = this.#truth(this.#or());
    if (this.#next.kind !== 'end') throw new ViewProblem(`${this.#next.text} is not expected`);
    return node;
  }

  get #next(): ViewToken {
    return this.#tokens[this.#at]!;
  }

  /** Goes on if the next token is one of these signs or words. */
  #take(...texts: readonly string[]): string | undefined {
    const { kind, text } = this.#next;
    if ((kind !== 'sign' && kind !== 'word') || !texts.includes(text)) return undefined;
    this.#at++;
    return text;
  }

  #expect(text: string): void {
    if (this.#take(text) === undefined) throw new ViewProblem(`${text} is missing before ${this.#next.text}`);
  }

  #truth({ type, node }: Typed): ViewExpression {
    if (type !== 'truth') throw new ViewProblem(`a condition is true or false, not ${typeNames[type]}`);
    return node;
  }

  #or(): Typed {
    if (++this.#depth > maxDepth) throw new ViewProblem('the condition is nested too deeply');
    let left = this.#and();
    while (this.#take('||', 'or') !== undefined) {
      left = { type: 'truth', node: { kind: 'or', left: this.#truth(left), right: this.#truth(this.#and()) } };
    }
    this.#depth--;
    return left;
  }

  #and(): Typed {
    let left = this.#comparison();
    while (this.#take('&&', 'and') !== undefined) {
      left = { type: 'truth', node: { kind: 'and', left: this.#truth(left), right: this.#truth(this.#comparison()) } };
    }
    return left;
  }

  #comparison(): Typed {
    let left = this.#unary();
    for (;;) {
      const operator = this.#take(...comparisons, 'startsWith', 'endsWith', 'contains', 'matches', 'in', 'not');
      if (operator === undefined) return left;
      left = { type: 'truth', node: this.#operation(operator, left) };
    }
  }

  #operation(operator: string, left: Typed): ViewExpression {
    switch (operator) {
      case 'not':
        this.#expect('in');
        return { kind: 'not', operand: this.#membership(left) };
      case 'in':
        return this.#membership(left);
      case 'matches':
        return { kind: 'matches', of: this.#text(left), pattern: this.#pattern() };
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        return { kind: operator, left: this.#text(left), right: this.#text(this.#unary()) };
      default:
        return this.#compare(operator as Comparison, left, this.#unary());
    }
  }

  #compare(operator: Comparison, left: Typed, right: Typed): ViewExpression {
    if (left.type !== right.type) {
      throw new ViewProblem(`${operator} compares ${typeNames[left.type]} with ${typeNames[right.type]}`);
    }
    const isOrder = operator !== '==' && operator !== '!=';
    if (isOrder && left.type === 'truth') throw new ViewProblem(`${operator} is for numbers and texts`);
    return { kind: 'compare', operator, left: left.node, right: right.node };
  }

  #text({ type, node }: Typed): ViewExpression {
    if (type !== 'text') throw new ViewProblem(`a text is expected, not ${typeNames[type]}`);
    return node;
  }

  #membership(of: Typed): ViewExpression {
    if (this.#take('[') === undefined) {
      const from = this.#number();
      this.#expect('..');
      const to = this.#number();
      if (of.type !== 'number') throw new ViewProblem(`a range has numbers, not ${typeNames[of.type]}`);
      return { kind: 'range', of: of.node, from, to };
    }
    const list: (string | number)[] = [];
    while (this.#take(']') === undefined) {
      const { kind, text } = this.#next;
      if ((kind !== 'text' && kind !== 'number') || kind !== of.type) {
        throw new ViewProblem(`${text} is not ${typeNames[of.type]} that a list may have`);
      }
      this.#at++;
      list.push(kind === 'number' ? Number(text) : text);
      if (this.#next.text !== ']') this.#expect(',');
    }
    return { kind: 'member', of: of.node, list };
  }

  #number(): number {
    const { kind, text } = this.#next;
    if (kind !== 'number') throw new ViewProblem(`a list or a range is expected, not ${text}`);
    this.#at++;
    return Number(text);
  }

  #pattern(): string {
    const { kind, text } = this.#next;
    if (kind !== 'text') throw new ViewProblem('a pattern is a text in quotes');
    this.#at++;
    const compiled = compileCapturingRegex(text);
    if (!compiled.ok) throw new ViewProblem(compiled.problem);
    return text;
  }

  #unary(): Typed {
    if (this.#take('!', 'not') === undefined) return this.#value();
    if (++this.#depth > maxDepth) throw new ViewProblem('the condition is nested too deeply');
    const operand = this.#truth(this.#unary());
    this.#depth--;
    return { type: 'truth', node: { kind: 'not', operand } };
  }

  #value(): Typed {
    const { kind, text } = this.#next;
    if (this.#take('(') !== undefined) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    this.#at++;
    if (kind === 'text') return { type: 'text', node: { kind: 'literal', value: text } };
    if (kind === 'number') return { type: 'number', node: { kind: 'literal', value: Number(text) } };
    if (kind !== 'word') throw new ViewProblem(`a value is expected, not ${text}`);
    if (text === 'true' || text === 'false')
      return { type: 'truth', node: { kind: 'literal', value: text === 'true' } };
    if (text === 'metadata') throw new ViewProblem('there is no metadata here');
    this.#expect('(');
    const value = text === 'incidr' ? this.#inNetwork() : factOf(text);
    this.#expect(')');
    return value;
  }

  /** `incidr(ADDRESS, 'NETWORK')` */
  #inNetwork(): Typed {
    const of = this.#text(this.#or());
    this.#expect(',');
    const { kind, text } = this.#next;
    this.#at++;
    const networks = kind === 'text' && text.includes('/') ? parseNetwork(text) : undefined;
    if (networks === undefined) throw new ViewProblem(`${text} is not a network such as '10.0.0.0/8'`);
    return { type: 'truth', node: { kind: 'network', of, networks } };
  }
}

function factOf(word: string): Typed {
  const text = textFacts.find((fact) => fact === word);
  if (text !== undefined) return { type: 'text', node: { kind: 'fact', fact: text } };
  const number = numberFacts.find((fact) => fact === word);
  if (number !== undefined) return { type: 'number', node: { kind: 'fact', fact: number } };
  const truth = truthFacts.find((fact) => fact === word);
  if (truth !== undefined) return { type: 'truth', node: { kind: 'fact', fact: truth } };
  throw new ViewProblem(`${word}() is not known`);
}
