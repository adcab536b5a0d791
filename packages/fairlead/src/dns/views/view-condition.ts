// Hot path where there are views: conditions as functions.

import { compileCapturingRegex } from '../../regex/capturing-regex.ts';
import { compileRegex } from '../../regex/linear-regex.ts';
import { parseIpv4, parseIpv6 } from '../../sys/socket-address.ts';
import { DnsError } from '../dns-error.ts';
import { isInPrefixes } from '../server/address-prefix.ts';
import type { Comparison, NumberFact, TextFact, TruthFact, ViewExpression } from './view-expression.ts';

/** What a condition may ask of a query. */
export interface ViewFacts {
  text(fact: TextFact): string;
  number(fact: NumberFact): number;
  truth(fact: TruthFact): boolean;
  /** Bytes of an address: of the client, or of this server; absent: not known. */
  address(of: 'client_ip' | 'server_ip'): Uint8Array | undefined;
}

/** Whether a query is one that a view is for. */
export type ViewCondition = (facts: ViewFacts) => boolean;

type Value = string | number | boolean;

/** A condition that was parsed, ready to use. @throws DnsError `options` for a pattern that is none. */
export function compileCondition(expression: ViewExpression): ViewCondition {
  switch (expression.kind) {
    case 'and': {
      const [left, right] = [compileCondition(expression.left), compileCondition(expression.right)];
      return (facts) => left(facts) && right(facts);
    }
    case 'or': {
      const [left, right] = [compileCondition(expression.left), compileCondition(expression.right)];
      return (facts) => left(facts) || right(facts);
    }
    case 'not': {
      const operand = compileCondition(expression.operand);
      return (facts) => !operand(facts);
    }
    case 'compare': {
      const [left, right] = [compileValue(expression.left), compileValue(expression.right)];
      const holds = comparisons[expression.operator];
      return (facts) => holds(left(facts), right(facts));
    }
    case 'member': {
      const [of, list] = [compileValue(expression.of), new Set<Value>(expression.list)];
      return (facts) => list.has(of(facts));
    }
    case 'range': {
      const { from, to } = expression;
      const of = compileValue(expression.of);
      return (facts) => {
        const value = Number(of(facts));
        return value >= from && value <= to;
      };
    }
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      const [left, right] = [compileValue(expression.left), compileValue(expression.right)];
      const holds = textTests[expression.kind];
      return (facts) => holds(String(left(facts)), String(right(facts)));
    }
    case 'matches': {
      const [of, isIn] = [compileValue(expression.of), compileSearch(expression.pattern)];
      return (facts) => isIn(String(of(facts)));
    }
    case 'network':
      return networkCondition(expression);
    case 'literal':
    case 'fact': {
      const value = compileValue(expression);
      return (facts) => value(facts) === true;
    }
  }
}

const comparisons: Readonly<Record<Comparison, (left: Value, right: Value) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

const textTests: Readonly<Record<'startsWith' | 'endsWith' | 'contains', (left: string, right: string) => boolean>> = {
  startsWith: (left, right) => left.startsWith(right),
  endsWith: (left, right) => left.endsWith(right),
  contains: (left, right) => left.includes(right),
};

function compileValue(expression: ViewExpression): (facts: ViewFacts) => Value {
  if (expression.kind === 'literal') {
    const { value } = expression;
    return () => value;
  }
  if (expression.kind !== 'fact') return compileCondition(expression);
  const { fact } = expression;
  switch (fact) {
    case 'size':
    case 'bufsize':
    case 'id':
    case 'opcode':
      return (facts) => facts.number(fact);
    case 'rd':
    case 'do':
      return (facts) => facts.truth(fact);
    default:
      return (facts) => facts.text(fact);
  }
}

/** The addresses of a query as bytes; any other text is read as an address. */
function networkCondition({ of, networks }: Extract<ViewExpression, { kind: 'network' }>): ViewCondition {
  const isIn = (bytes: Uint8Array | undefined): boolean =>
    bytes !== undefined && isInPrefixes(networks, bytes, 0, bytes.length);
  if (of.kind === 'fact' && (of.fact === 'client_ip' || of.fact === 'server_ip')) {
    const { fact } = of;
    return (facts) => isIn(facts.address(fact));
  }
  const text = compileValue(of);
  return (facts) => {
    const value = String(text(facts));
    return isIn(parseIpv4(value) ?? parseIpv6(value));
  };
}

/**
 * Whether a pattern matches anywhere in a text: by a DFA for the whole text, at a fifth of the cost of finding the place,
 * or by finding it, where the pattern begins with flags or is too large to be part of another one.
 */
function compileSearch(pattern: string): (text: string) => boolean {
  const whole = compileRegex(`[\\s\\S]*(?:${pattern})[\\s\\S]*`);
  if (whole.ok) return (text) => whole.regex.testText(text);
  const found = compileCapturingRegex(pattern);
  if (!found.ok) throw new DnsError('options', `view: ${found.problem}`);
  return (text) => found.regex.match(text) !== undefined;
}
