/** Types of CEL that have no parts. */
export type PlainTypeName =
  | 'int'
  | 'uint'
  | 'double'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'null'
  | 'dyn'
  | 'timestamp'
  | 'duration'
  | 'type'
  /** Of something that was refused already. */
  | 'error';

/** The static type of an expression. */
export type CelType =
  | { readonly kind: PlainTypeName }
  | { readonly kind: 'list'; readonly item: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'optional'; readonly inner: CelType }
  /** An object with known fields; `field` gives their types. */
  | { readonly kind: 'object'; readonly name: string; readonly field: (name: string) => CelType | undefined }
  /** A type of a library: `net.IP`. */
  | { readonly kind: 'opaque'; readonly name: string }
  /** Stands for any type in a signature, the same one wherever it occurs. */
  | { readonly kind: 'variable'; readonly name: string };

/** Types of variables in one call. */
export type Bindings = Map<string, CelType>;

/** Any type, decided when the expression runs. */
export const dyn: CelType = { kind: 'dyn' };
/** The type of conditions. */
export const bool: CelType = { kind: 'bool' };
/** The type of what was refused already, so that it is not refused again. */
export const errorType: CelType = { kind: 'error' };

/** A type as cel-go writes it. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.item)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'optional':
      return `optional_type(${typeText(type.inner)})`;
    case 'object':
    case 'opaque':
    case 'variable':
      return type.name;
    case 'error':
      return '!error!';
    default:
      return type.kind;
  }
}

/** Whether a value of type `given` fits where `wanted` is asked for; binds variables of `wanted`. */
export function fits(wanted: CelType, given: CelType, bindings: Bindings): boolean {
  if (wanted.kind === 'variable') return bind(wanted.name, given, bindings);
  if (wanted.kind === 'dyn' || given.kind === 'dyn' || given.kind === 'variable') return true;
  // What was refused is not refused again, but it has no methods of addresses, whose types have no fields in cel-go.
  if (given.kind === 'error' || wanted.kind === 'error')
    return !(wanted.kind === 'opaque' && wanted.name.startsWith('net.'));
  if (given.kind === 'null') return wanted.kind === 'null' || isNullable(wanted);
  if (wanted.kind === 'null') return isNullable(given);
  if (wanted.kind === 'list') return given.kind === 'list' && fits(wanted.item, given.item, bindings);
  if (wanted.kind === 'map') {
    return given.kind === 'map' && fits(wanted.key, given.key, bindings) && fits(wanted.value, given.value, bindings);
  }
  if (wanted.kind === 'optional') return given.kind === 'optional' && fits(wanted.inner, given.inner, bindings);
  if (wanted.kind === 'object' || wanted.kind === 'opaque') {
    return given.kind === wanted.kind && given.name === wanted.name;
  }
  return wanted.kind === given.kind;
}

function bind(name: string, given: CelType, bindings: Bindings): boolean {
  const known = bindings.get(name);
  if (known === undefined || known.kind === 'error') {
    bindings.set(name, given);
    return true;
  }
  if (given.kind === 'error') return true;
  if (!fits(known, given, bindings)) return false;
  // What is known less is what holds for both.
  if (given.kind === 'dyn' || known.kind === 'null') bindings.set(name, given);
  return true;
}

function isNullable(type: CelType): boolean {
  return ['object', 'opaque', 'timestamp', 'duration', 'optional'].includes(type.kind);
}

/** A type with its variables replaced by what they are bound to. */
export function resolved(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case 'variable':
      return bindings.get(type.name) ?? dyn;
    case 'list':
      return { kind: 'list', item: resolved(type.item, bindings) };
    case 'map':
      return { kind: 'map', key: resolved(type.key, bindings), value: resolved(type.value, bindings) };
    case 'optional':
      return { kind: 'optional', inner: resolved(type.inner, bindings) };
    default:
      return type;
  }
}

const plainNames: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'null',
  'dyn',
  'timestamp',
  'duration',
  'type',
]);

/** Reads a type as signatures write it: `map<string, A>`, `net.IP`; one capital letter is a variable. */
export function parseType(text: string): CelType {
  const trimmed = text.trim();
  const inner = /^(list|map|optional)<(.*)>$/s.exec(trimmed);
  if (inner !== null) {
    const [first = '', second = ''] = splitAtCommas(inner[2]!);
    if (inner[1] === 'list') return { kind: 'list', item: parseType(first) };
    if (inner[1] === 'optional') return { kind: 'optional', inner: parseType(first) };
    return { kind: 'map', key: parseType(first), value: parseType(second) };
  }
  if (/^[A-Z]$/.test(trimmed)) return { kind: 'variable', name: trimmed };
  if (plainNames.has(trimmed)) return { kind: trimmed as PlainTypeName };
  return { kind: 'opaque', name: trimmed };
}

/** Splits at the commas outside of angle brackets. */
export function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '<') depth++;
    else if (char === '>') depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  const last = text.slice(start);
  return last.trim() === '' ? parts : [...parts, last];
}
