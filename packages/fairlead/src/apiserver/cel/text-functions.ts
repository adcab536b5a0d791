import { hasFormat } from '@fairlead/api/crd/formats';
import { LinearPattern } from '@fairlead/api/crd/index';
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
} from '@fairlead/api/names';
import type { Environment } from '@marcbachmann/cel-js';
import { spendSteps } from './cel-budget.ts';
import { evaluationError, optionalNone, optionalOf } from './cel-library.ts';
import { optionalReasons } from './network-functions.ts';

/** A named format in CEL: type `kubernetes.NamedFormat`. */
class CelFormat {
  readonly reasons: (text: string) => readonly string[];

  constructor(reasons: (text: string) => readonly string[]) {
    this.reasons = reasons;
  }
}

class FormatNamespace {}

const prefixOf =
  (check: (text: string) => readonly string[]) =>
  (text: string): readonly string[] =>
    check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const plain =
  (name: string, article: string) =>
  (text: string): readonly string[] =>
    hasFormat(name, text) ? [] : [`must be ${article}`];
const formats: Readonly<Record<string, CelFormat>> = {
  dns1123Label: new CelFormat(dns1123LabelErrors),
  dns1123Subdomain: new CelFormat(dns1123SubdomainErrors),
  dns1035Label: new CelFormat(dns1035LabelErrors),
  dns1123LabelPrefix: new CelFormat(prefixOf(dns1123LabelErrors)),
  dns1123SubdomainPrefix: new CelFormat(prefixOf(dns1123SubdomainErrors)),
  dns1035LabelPrefix: new CelFormat(prefixOf(dns1035LabelErrors)),
  qualifiedName: new CelFormat(qualifiedNameErrors),
  labelValue: new CelFormat(labelValueErrors),
  uri: new CelFormat(plain('uri', 'a valid URI')),
  uuid: new CelFormat(plain('uuid', 'a valid UUID')),
  byte: new CelFormat(plain('byte', 'valid base64')),
  date: new CelFormat(plain('date', 'a valid date')),
  datetime: new CelFormat(plain('datetime', 'a valid RFC 3339 time')),
};

const patterns = new Map<string, LinearPattern>();

function patternOf(source: string): LinearPattern {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    const compiled = LinearPattern.compile(source);
    if (!(compiled instanceof LinearPattern)) throw evaluationError(compiled.message);
    pattern = compiled;
    if (patterns.size > 1000) patterns.clear();
    patterns.set(source, pattern);
  }
  return pattern;
}

/** Name under which `matches` is registered: the library's own would backtrack. */
export const linearMatches = 'linearMatches';

/** `matches`, `find`, `replace` and the like, and Kubernetes' format library (1.32). */
export function registerTextFunctions(env: Environment): void {
  env.registerFunction(`string.${linearMatches}(string): bool`, (text: string, source: string) => {
    spendSteps(text.length);
    return patternOf(source).test(text);
  });
  env.registerFunction(`${linearMatches}(string, string): bool`, (text: string, source: string) => {
    spendSteps(text.length);
    return patternOf(source).test(text);
  });
  env.registerFunction('string.find(string): string', (text: string, source: string) => {
    spendSteps(text.length);
    const found = patternOf(source).find(text);
    return found === undefined ? '' : text.slice(found.start, found.end);
  });
  env.registerFunction('string.findAll(string): list<string>', (text: string, source: string) =>
    findAll(text, source, -1),
  );
  env.registerFunction('string.findAll(string, int): list<string>', (text: string, source: string, limit: bigint) =>
    findAll(text, source, Number(limit)),
  );
  env.registerFunction('string.charAt(int): string', (text: string, index: bigint) => {
    const chars = [...text];
    const at = Number(index);
    if (at < 0 || at > chars.length) throw evaluationError(`index out of range: ${at}`);
    return chars[at] ?? '';
  });
  env.registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
    replaced(text, from, to, -1),
  );
  env.registerFunction(
    'string.replace(string, string, int): string',
    (text: string, from: string, to: string, count: bigint) => replaced(text, from, to, Number(count)),
  );
  env.registerFunction('string.format(list): string', (text: string, values: readonly unknown[]) =>
    formatted(text, values),
  );
  env.registerType('kubernetes.NamedFormat', CelFormat).registerType('FormatNamespace', FormatNamespace);
  env.registerConstant('format', 'FormatNamespace', new FormatNamespace());
  for (const [name, format] of Object.entries(formats)) {
    env.registerFunction(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => format);
  }
  // An optional is never null, but may be compared with it.
  env.registerOperator('optional<list<string>> == null', () => false);
  env.registerFunction('FormatNamespace.named(string): optional<kubernetes.NamedFormat>', (_: unknown, name: string) =>
    Object.hasOwn(formats, name) ? optionalOf(formats[name]) : optionalNone(),
  );
  env.registerFunction(
    'kubernetes.NamedFormat.validate(string): optional<list<string>>',
    (format: CelFormat, text: string) => optionalReasons(format.reasons(text)),
  );
}

function findAll(text: string, source: string, limit: number): string[] {
  const pattern = patternOf(source);
  const found: string[] = [];
  for (let at = 0; at <= text.length && (limit < 0 || found.length < limit); ) {
    if (!spendSteps(text.length - at)) break;
    const match = pattern.find(text, at);
    if (match === undefined) break;
    found.push(text.slice(match.start, match.end));
    at = match.end > match.start ? match.end : match.end + 1;
  }
  return found;
}

function replaced(text: string, from: string, to: string, count: number): string {
  if (count < 0) {
    const result = text.replaceAll(from, () => to);
    spendSteps(result.length);
    return result;
  }
  let rest = text;
  let result = '';
  for (let left = count; left > 0; left--) {
    const at = rest.indexOf(from);
    if (at < 0) break;
    result += rest.slice(0, at) + to;
    rest = rest.slice(at + from.length);
  }
  return result + rest;
}

function formatted(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll(
    /%(?:%|(?:\.([0-9]{1,2}))?([a-zA-Z]))/g,
    (whole, precision: string | undefined, verb: string | undefined) => {
      if (whole === '%%') return '%';
      if (next >= values.length) throw evaluationError(`index ${next} out of range`);
      const value = values[next++];
      switch (verb) {
        case 's':
          return shown(value);
        case 'd':
          return String(value);
        case 'f':
          return Number(value).toFixed(Number(precision ?? 6));
        case 'e':
          return Number(value).toExponential(Number(precision ?? 6));
        case 'b':
          return BigInt(value as bigint | boolean).toString(2);
        case 'o':
          return BigInt(value as bigint).toString(8);
        case 'x':
        case 'X': {
          const hex =
            typeof value === 'string' ? Buffer.from(value).toString('hex') : BigInt(value as bigint).toString(16);
          return verb === 'X' ? hex.toUpperCase() : hex;
        }
        default:
          throw evaluationError(`could not parse formatting clause: unrecognized formatting clause "${verb ?? ''}"`);
      }
    },
  );
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value === null) return 'null';
  if (typeof value === 'object' && value.constructor === Object) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${key}:${shown(inner)}`).join(', ')}}`;
  }
  return String(value);
}
