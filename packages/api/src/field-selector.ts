/** One condition of a field selector. */
export interface FieldRequirement {
  /** Path as written: `metadata.name`. */
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** A parsed selector, or why there is none. */
export type FieldSelectorResult =
  | { readonly ok: true; readonly requirements: readonly FieldRequirement[] }
  | { readonly ok: false; readonly error: string };

/** Reads `metadata.name=a,spec.type!=ClusterIP`; `\,` `\=` and `\\` stand for themselves in values. */
export function parseFieldSelector(text: string): FieldSelectorResult {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === '') continue;
    const match = /^((?:\\.|[^\\=!])*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) return { ok: false, error: `invalid selector: '${text}'; can't understand '${term}'` };
    const value = unescapeValue(match[3] ?? '');
    if (value === undefined) return { ok: false, error: `invalid field selector value: ${match[3] ?? ''}` };
    requirements.push({ field: match[1] ?? '', operator: match[2] === '!=' ? '!=' : '=', value });
  }
  return { ok: true, requirements };
}

/** Whether every condition holds; `get` gives the text of a field, and `undefined` counts as empty. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  get: (field: string) => string | undefined,
): boolean {
  return requirements.every(({ field, operator, value }) => ((get(field) ?? '') === value) === (operator === '='));
}

/** The text of a field of a plain object; lists and objects have none. */
export function fieldText(object: unknown, field: string): string | undefined {
  let value: unknown = object;
  for (const part of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
      ? String(value)
      : undefined;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (char === ',') terms.push('');
    else terms[terms.length - 1] += char === '\\' ? char + (text[++i] ?? '') : char;
  }
  return terms;
}

function unescapeValue(value: string): string | undefined {
  let result = '';
  for (let i = 0; i < value.length; i++) {
    const char = value[i] ?? '';
    if (char === '=' || char === ',') return undefined;
    if (char !== '\\') {
      result += char;
      continue;
    }
    const next = value[++i] ?? '';
    if (next !== '\\' && next !== ',' && next !== '=') return undefined;
    result += next;
  }
  return result;
}
