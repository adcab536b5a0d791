/** One step of a simple JSON path: a field name or a list index; `*` is every item. */
export type PathStep = string | number | '*';

/** The steps of a JSON path; a filter keeps the list items whose inner path leads to a value. */
export type JsonPath = readonly (PathStep | { readonly filter: JsonPath; readonly equals: unknown })[];

/**
 * Reads the subset of JSONPath that printer columns, selectable fields and scale paths use:
 * fields, quoted fields, indexes, `[*]` and filters `[?(@.a=="x")]`. `undefined`: something else.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: (PathStep | { filter: JsonPath; equals: unknown })[] = [];
  let rest = text.startsWith('$') ? text.slice(1) : text;
  while (rest !== '') {
    const field = /^\.((?:[^.[\]'"\\\s(){}]|\\.)+)/.exec(rest);
    if (field !== null) {
      steps.push(field[1]!.replaceAll(/\\(.)/g, '$1'));
      rest = rest.slice(field[0].length);
      continue;
    }
    const quoted = /^\.?\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/.exec(rest);
    if (quoted !== null) {
      steps.push((quoted[1] ?? quoted[2] ?? '').replaceAll(/\\(.)/g, '$1'));
      rest = rest.slice(quoted[0].length);
      continue;
    }
    const index = /^\[(\*|-?[0-9]{1,9})\]/.exec(rest);
    if (index !== null) {
      steps.push(index[1] === '*' ? '*' : Number(index[1]));
      rest = rest.slice(index[0].length);
      continue;
    }
    const filter =
      /^\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(?:'([^']*)'|"([^"]*)"|(true|false|-?[0-9.]{1,20}))\s*\)\]/.exec(rest);
    if (filter === null) return undefined;
    const inner = parseJsonPath(filter[1]!);
    if (inner === undefined) return undefined;
    const literal = filter[4];
    const equals =
      literal === undefined
        ? (filter[2] ?? filter[3])
        : literal === 'true' || literal === 'false'
          ? literal === 'true'
          : Number(literal);
    steps.push({ filter: inner, equals });
    rest = rest.slice(filter[0].length);
  }
  return steps;
}

/** Every value a path leads to. */
export function jsonPathValues(root: unknown, path: JsonPath): unknown[] {
  let found: unknown[] = [root];
  for (const step of path) {
    const next: unknown[] = [];
    for (const value of found) {
      if (typeof value !== 'object' || value === null) continue;
      if (Array.isArray(value)) {
        if (step === '*') next.push(...value);
        else if (typeof step === 'number') next.push(value[step < 0 ? value.length + step : step]);
        else if (typeof step === 'object') {
          next.push(...value.filter((item) => jsonPathValues(item, step.filter).includes(step.equals)));
        }
      } else if (step === '*') {
        next.push(...Object.values(value));
      } else if (typeof step === 'string' && Object.hasOwn(value, step)) {
        next.push((value as Record<string, unknown>)[step]);
      }
    }
    found = next.filter((value) => value !== undefined);
  }
  return found;
}
