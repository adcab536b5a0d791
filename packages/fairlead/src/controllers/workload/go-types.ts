import { goNames, goStructs } from './go-pod-template.ts';

/** One field of a Go struct. */
export interface GoField {
  readonly goName: string;
  /** Empty: the fields of this struct stand in its place. */
  readonly jsonName: string;
  /** Written to JSON even when empty. */
  readonly always: boolean;
  readonly type: GoType;
}

/** A Go type, as Go spells it. */
export type GoType =
  | { readonly kind: 'struct'; readonly text: string; readonly fields: readonly GoField[] }
  | { readonly kind: 'pointer' | 'list' | 'map'; readonly text: string; readonly of: GoType }
  | { readonly kind: 'quantity' | 'time' | 'int-or-string' | 'string' | 'bool' | 'number'; readonly text: string };

const leaves: Readonly<Record<string, GoType['kind']>> = {
  'resource.Quantity': 'quantity',
  'v1.Time': 'time',
  // What a server says of its own writes: never in a template.
  'v1.FieldsV1': 'time',
  'intstr.IntOrString': 'int-or-string',
  string: 'string',
  bool: 'bool',
  int32: 'number',
  int64: 'number',
};

function table(text: string): Map<string, string> {
  const lines = text.trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

let known: { readonly structs: Map<string, string>; readonly names: Map<string, string> } | undefined;
const types = new Map<string, GoType>();

/** The type of this spelling; `text`: how it is called, if it is the meaning of a name. */
function read(spelling: string, text: string): GoType {
  known ??= { structs: table(goStructs), names: table(goNames) };
  if (spelling.startsWith('*')) return { kind: 'pointer', text, of: goType(spelling.slice(1)) };
  if (spelling.startsWith('[]')) return { kind: 'list', text, of: goType(spelling.slice(2)) };
  if (spelling.startsWith('map[')) {
    return { kind: 'map', text, of: goType(spelling.slice(spelling.indexOf(']') + 1)) };
  }
  const leaf = leaves[spelling];
  if (leaf !== undefined) return { kind: leaf, text } as GoType;
  const meaning = known.names.get(spelling);
  if (meaning !== undefined) return read(meaning, text);
  const fields = (known.structs.get(spelling) ?? '').split(' ').filter((field) => field !== '');
  return { kind: 'struct', text, fields: fields.map(readField) };
}

function readField(text: string): GoField {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).replace('!', '');
  const [goName = '', jsonName] = name.split('=');
  return {
    goName,
    jsonName: jsonName ?? goName.slice(0, 1).toLowerCase() + goName.slice(1),
    always: text.slice(0, colon).includes('!'),
    type: goType(text.slice(colon + 1)),
  };
}

/** The Go type of this spelling, which must be one that a pod template has. */
export function goType(spelling: string): GoType {
  const present = types.get(spelling);
  if (present !== undefined) return present;
  const type = read(spelling, spelling);
  types.set(spelling, type);
  return type;
}
