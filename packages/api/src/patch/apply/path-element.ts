import { parseJson } from '../../json-number.ts';
import { isJsonObject } from '../../own-property.ts';

/**
 * One step of a field path, in the text that FieldsV1 uses as a key (KEP-555):
 *
 *     f:NAME                                a field or map key
 *     k:{"port":80,"protocol":"TCP"}        a list item by its keys, names sorted
 *     v:"example.com/x"                     an item of a set by its value
 *     i:3                                   a list item by position
 */
export type PathElement = string;

/** The element of a field or map key. */
export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The element of a list item with these keys; `names` must be sorted. */
export function keyElement(names: readonly string[], values: readonly unknown[]): PathElement {
  let text = 'k:{';
  for (let i = 0; i < names.length; i++) {
    text += `${i === 0 ? '' : ','}${JSON.stringify(names[i])}:${JSON.stringify(values[i])}`;
  }
  return `${text}}`;
}

/** The element of a set item. */
export function valueElement(value: unknown): PathElement {
  return `v:${JSON.stringify(value)}`;
}

/** The element in its one canonical text; `undefined` when it is malformed. */
export function canonicalElement(text: string): PathElement | undefined {
  const rest = text.slice(2);
  switch (text.slice(0, 2)) {
    case 'f:':
      return text;
    case 'i:':
      return /^-?\d{1,15}$/.test(rest) ? `i:${Number(rest)}` : undefined;
    case 'v:': {
      const value = parseOrNothing(rest);
      return value === undefined ? undefined : valueElement(value);
    }
    case 'k:': {
      const keys = parseOrNothing(rest);
      if (!isJsonObject(keys)) return undefined;
      const names = Object.keys(keys).sort();
      return keyElement(
        names,
        names.map((name) => keys[name]),
      );
    }
    default:
      return undefined;
  }
}

function parseOrNothing(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

const RANK = 'fkvi';

/** Order of elements within one place: fields, then keyed items, values and positions. */
export function compareElements(a: PathElement, b: PathElement): number {
  const kind = RANK.indexOf(a[0] ?? '') - RANK.indexOf(b[0] ?? '');
  if (kind !== 0) return kind;
  if (a[0] === 'i') return Number(a.slice(2)) - Number(b.slice(2));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How messages show an element: `.name`, `[port=80,protocol="TCP"]`, `[="x"]`, `[3]`. */
export function elementText(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'k': {
      const keys = parseJson(rest) as Record<string, unknown>;
      return `[${Object.keys(keys)
        .sort()
        .map((name) => `${name}=${JSON.stringify(keys[name])}`)
        .join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    case 'i':
      return `[${rest}]`;
    default:
      return `.${rest}`;
  }
}
