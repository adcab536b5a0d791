import { labelValueErrors, qualifiedNameErrors } from './names.ts';
import type { LabelSelector } from './types.ts';

/** How one label is tested. `gt` and `lt` compare integers. */
export type LabelOperator = 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt';

/** One condition on one label. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Empty for `exists` and `absent`. */
  readonly values: readonly string[];
}

/** All conditions must hold; no conditions match everything. */
export type LabelRequirements = readonly LabelRequirement[];

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>> | undefined;

/** A parsed selector, or why there is none. */
export type LabelSelectorResult =
  | { readonly ok: true; readonly requirements: LabelRequirements }
  | { readonly ok: false; readonly error: string };

/** Whether the labels fulfil every condition. */
export function matchesLabels(requirements: LabelRequirements, labels: Labels): boolean {
  for (const requirement of requirements) if (!fulfils(requirement, labels)) return false;
  return true;
}

function fulfils({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const bound = BigInt(values[0] ?? '0');
      return operator === 'gt' ? BigInt(value) > bound : BigInt(value) < bound;
    }
  }
}

/** A plain map as a selector, as in a Service: every label must be equal. */
export function requirementsOfMap(map: Readonly<Record<string, string>>): LabelRequirements {
  return Object.entries(map).map(([key, value]) => ({ key, operator: 'in', values: [value] }));
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: 'absent',
};

/** The object form (`matchLabels`, `matchExpressions`). An empty selector matches everything. */
export function requirementsOfSelector(selector: LabelSelector): LabelSelectorResult {
  const requirements: LabelRequirement[] = [...requirementsOfMap(selector.matchLabels ?? {})];
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = OBJECT_OPERATORS[operator];
    if (known === undefined)
      return { ok: false, error: `${JSON.stringify(operator)} is not a valid label selector operator` };
    if ((known === 'in' || known === 'notin') && (values === undefined || values.length === 0)) {
      return { ok: false, error: `for 'in', 'notin' operators, values set can't be empty` };
    }
    requirements.push({ key, operator: known, values: values ?? [] });
  }
  return { ok: true, requirements };
}

/** Whether an object's labels match the object form; a missing or malformed selector matches nothing. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const parsed = requirementsOfSelector(selector);
  return parsed.ok && matchesLabels(parsed.requirements, labels);
}

/** Text form of a selector, as in `status.selector` of a Scale: keys in order, `a=b,c in (d,e)`. */
export function formatLabelSelector(selector: LabelSelector): string {
  const parsed = requirementsOfSelector(selector);
  return parsed.ok ? formatRequirements(parsed.requirements) : '<error>';
}

/** Text form of parsed conditions, sorted by key. */
export function formatRequirements(requirements: LabelRequirements): string {
  return [...requirements]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(formatRequirement)
    .join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const sorted = [...values].sort();
  switch (operator) {
    case 'in':
      return sorted.length === 1 ? `${key}=${sorted[0]}` : `${key} in (${sorted.join(',')})`;
    case 'notin':
      return sorted.length === 1 ? `${key}!=${sorted[0]}` : `${key} notin (${sorted.join(',')})`;
    case 'exists':
      return key;
    case 'absent':
      return `!${key}`;
    case 'gt':
      return `${key}>${sorted[0]}`;
    case 'lt':
      return `${key}<${sorted[0]}`;
  }
}

/**
 * The text form of a query (`labelSelector=`): `a=b`, `a==b`, `a!=b`, `a`, `!a`,
 * `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, joined by commas.
 */
export function parseLabelSelector(text: string): LabelSelectorResult {
  const tokens = text.match(/[=!<>]=|[=!<>(),]|[^=!<>(),\s]+/g) ?? [];
  const requirements: LabelRequirement[] = [];
  let at = 0;
  const between = (expected: string): LabelSelectorResult => ({
    ok: false,
    error: `found '${tokens[at] ?? ''}', expected: ${expected}`,
  });
  // What goes wrong inside of a requirement is told as such.
  const unexpected = (expected: string): LabelSelectorResult => ({
    ok: false,
    error: `unable to parse requirement: found '${tokens[at] ?? ''}', expected: ${expected}`,
  });
  if (tokens.length === 0) return { ok: true, requirements };
  for (;;) {
    const absent = tokens[at] === '!';
    if (absent) at++;
    const key = tokens[at];
    if (key === undefined || isSymbol(key)) {
      return absent ? unexpected('identifier') : between("!, identifier, or 'end of string'");
    }
    at++;
    const operator = tokens[at];
    if (absent || operator === undefined || operator === ',') {
      requirements.push({ key, operator: absent ? 'absent' : 'exists', values: [] });
    } else if (operator === 'in' || operator === 'notin') {
      at++;
      if (tokens[at] !== '(') {
        return { ok: false, error: `unable to parse requirement: found '${tokens[at] ?? ''}' expected: '('` };
      }
      const first = tokens[at + 1];
      if (first === undefined || (isSymbol(first) && first !== ',' && first !== ')')) {
        at++;
        return unexpected("',', ')' or identifier");
      }
      const values: string[] = [];
      let value = '';
      for (at++; tokens[at] !== ')'; at++) {
        const token = tokens[at];
        if (token === undefined) return unexpected("',' or ')'");
        if (token === ',') {
          values.push(value);
          value = '';
        } else if (isSymbol(token) || value !== '') return unexpected("',' or ')'");
        else value = token;
      }
      values.push(value);
      requirements.push({ key, operator, values: [...new Set(values)] });
      at++;
    } else {
      const kind = ({ '=': 'in', '==': 'in', '!=': 'notin', '>': 'gt', '<': 'lt' } as const)[operator];
      if (kind === undefined) return unexpected('in, notin, =, ==, !=, gt, lt');
      at++;
      const token = tokens[at];
      const value = token === undefined || token === ',' ? '' : token;
      if (isSymbol(value)) return unexpected('identifier');
      if (value !== '') at++;
      if ((kind === 'gt' || kind === 'lt') && !/^-?\d+$/.test(value)) {
        const why = `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`;
        return { ok: false, error: `unable to parse requirement: ${why}` };
      }
      requirements.push({ key, operator: kind, values: [value] });
    }
    if (at >= tokens.length) break;
    if (tokens[at] !== ',') return between("',' or 'end of string'");
    at++;
    if (at >= tokens.length) return between("identifier after ','");
  }
  const problem = requirements.map(requirementError).find((error) => error !== undefined);
  return problem === undefined ? { ok: true, requirements } : { ok: false, error: problem };
}

function isSymbol(token: string): boolean {
  return /^[=!<>(),]/.test(token);
}

function requirementError({ key, operator, values }: LabelRequirement): string | undefined {
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0)
    return `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`;
  for (const [index, value] of values.entries()) {
    const errors = operator === 'gt' || operator === 'lt' ? [] : labelValueErrors(value);
    if (errors.length > 0) {
      return `unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${errors.join('; ')}`;
    }
  }
  return undefined;
}
