import { badRequest } from '../server/status-error.ts';

/** One requirement of a label selector. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'exists' | 'absent' | 'in' | 'notin' | 'gt' | 'lt';
  readonly values: readonly string[];
}

type Token = { readonly text: string; readonly kind: 'word' | 'symbol' | 'end' };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+))/gy;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match[1] !== undefined) tokens.push({ text: match[1], kind: 'symbol' });
    else if (match[2] !== undefined) tokens.push({ text: match[2], kind: 'word' });
  }
  tokens.push({ text: '', kind: 'end' });
  return tokens;
}

/** Parses `app=web,tier notin (a,b),!old`; throws a 400 with the text of a Kubernetes server. */
export function parseLabelSelector(text: string): LabelRequirement[] {
  const tokens = tokenize(text);
  const requirements: LabelRequirement[] = [];
  let position = 0;
  const peek = (): Token => tokens[position]!;
  const fail = (expected: string): never => {
    throw badRequest(`unable to parse requirement: found '${peek().text}', expected: ${expected}`);
  };
  const word = (): string => {
    if (peek().kind !== 'word') fail('identifier');
    return tokens[position++]!.text;
  };
  const valueList = (): string[] => {
    if (peek().text !== '(') fail("'('");
    position++;
    const values: string[] = [];
    while (peek().text !== ')') {
      if (peek().text === ',') {
        values.push('');
        position++;
        continue;
      }
      values.push(word());
      if (peek().text === ',') position++;
      else if (peek().text !== ')') fail("',', or ')'");
    }
    position++;
    return values;
  };
  while (peek().kind !== 'end') {
    if (peek().text === '!') {
      position++;
      requirements.push({ key: word(), operator: 'absent', values: [] });
    } else {
      const key = word();
      const next = peek();
      if (next.kind === 'end' || next.text === ',') {
        requirements.push({ key, operator: 'exists', values: [] });
      } else if (next.kind === 'word' && (next.text === 'in' || next.text === 'notin')) {
        position++;
        requirements.push({ key, operator: next.text, values: valueList() });
      } else if (['=', '==', '!=', '>', '<'].includes(next.text)) {
        position++;
        const after = peek();
        const value = after.kind === 'end' || after.text === ',' ? '' : word();
        const operators = { '=': 'in', '==': 'in', '!=': 'notin', '>': 'gt', '<': 'lt' } as const;
        requirements.push({ key, operator: operators[next.text as keyof typeof operators], values: [value] });
      } else {
        fail('in, notin, =, ==, !=, gt, lt');
      }
    }
    if (peek().text === ',') {
      position++;
      if (peek().kind === 'end') fail("identifier after ','");
    } else if (peek().kind !== 'end') {
      fail("',' or 'end of string'");
    }
  }
  return requirements;
}

/** True when labels meet all requirements. */
export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  for (const { key, operator, values } of requirements) {
    const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'exists':
        if (value === undefined) return false;
        break;
      case 'absent':
        if (value !== undefined) return false;
        break;
      case 'in':
        if (value === undefined || !values.includes(value)) return false;
        break;
      case 'notin':
        if (value !== undefined && values.includes(value)) return false;
        break;
      case 'gt':
        if (value === undefined || !(Number(value) > Number(values[0]))) return false;
        break;
      case 'lt':
        if (value === undefined || !(Number(value) < Number(values[0]))) return false;
        break;
    }
  }
  return true;
}
