import type { AnnotationReader } from './annotation-reader.ts';
import type { Reading } from './annotation-values.ts';
import { compilePathPattern } from './path-pattern.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import { hasVariables, readRequestText } from './request-text.ts';
import type { HeaderText, HeaderTextFilter } from './route-filters.ts';
import type { HeaderEdit, PathRule, Route } from './route-table.ts';

/** What the annotations of an Ingress change about requests and answers. */
export interface RouteEdits {
  readonly requestHeaders: HeaderEdit | undefined;
  readonly responseHeaders: HeaderEdit | undefined;
  /** Takes the place of a matched prefix, or of a whole path that was matched exactly. */
  readonly rewrite: string | undefined;
  /** Rewrites by pattern, which come instead. */
  readonly rules: readonly PathRule[] | undefined;
  readonly problems: readonly AnnotationProblem[];
}

const PREFIX = 'fairlead.dev/';
/** Each one is tried for each request. */
const PATH_RULES_MAX = 10;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Fields of one hop, or that frame a message: they are the gateway's. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
]);

/** Reads the annotations that edit heads. A wrong value counts as absent, with all its lines. */
export function readRouteEdits(annotations: Readonly<Record<string, string>> | undefined): RouteEdits {
  const problems: AnnotationProblem[] = [];
  function read<T>(name: string, reader: (text: string) => Reading<T>): T | undefined {
    const text = annotations?.[PREFIX + name]?.trim();
    if (text === undefined) return undefined;
    const result = reader(text);
    if (result.ok) return result.value;
    problems.push({ field: `metadata.annotations[${PREFIX}${name}]`, message: result.message });
    return undefined;
  }
  const requestHeaders = read('request-headers', readHeaderEdit)?.edit;
  const responseHeaders = read('response-headers', readHeaderEdit)?.edit;
  const rewrite = read('rewrite-path', readPath);
  const rules = read('rewrite-regex', readPathRules);
  if (rewrite !== undefined && rules !== undefined) {
    const field = `metadata.annotations[${PREFIX}rewrite-path]`;
    problems.push({ field, message: 'has no effect beside rewrite-regex' });
  }
  return { requestHeaders, responseHeaders, rewrite, rules, problems };
}

/** The edits whose values take something from the request; {@link readRouteEdits} tells what is wrong with them. */
export function readHeaderTexts(reader: AnnotationReader): HeaderTextFilter | undefined {
  const textsOf = (name: string): readonly HeaderText[] => {
    const text = reader.text(name);
    const result = text === undefined ? undefined : readHeaderEdit(text);
    return result?.ok === true ? result.value.texts : [];
  };
  const request = textsOf('request-headers');
  const response = textsOf('response-headers');
  return request.length === 0 && response.length === 0 ? undefined : { type: 'header-text', request, response };
}

/** The rewrite of a route, by how it matches. */
export function pathRewriteOf(
  { rewrite, rules }: Pick<RouteEdits, 'rewrite' | 'rules'>,
  match: Route['match']['path'],
): NonNullable<Route['pathRewrite']> | undefined {
  if (rules !== undefined) return { type: 'regex', rules };
  return rewrite === undefined ? undefined : { type: match.type === 'prefix' ? 'prefix' : 'full', value: rewrite };
}

/** Edits as they are, and those that take something from the request. */
interface HeaderEdits {
  readonly edit: HeaderEdit;
  readonly texts: readonly HeaderText[];
}

/** Lines `set NAME: VALUE`, `add NAME: VALUE`, `remove NAME`, with variables in values. */
function readHeaderEdit(lines: string): Reading<HeaderEdits> {
  const texts: HeaderText[] = [];
  const edit = { set: [] as [string, string][], add: [] as [string, string][], remove: [] as string[] };
  for (const line of lines.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, verb = '', rawName = '', value] = /^(set|add|remove) +([^:\s]+)(?: *: *(.*))?$/.exec(line) ?? [];
    const name = rawName.toLowerCase();
    const isRemoval = verb === 'remove';
    if (verb === '' || !TOKEN.test(name) || isRemoval !== (value === undefined)) {
      return { ok: false, message: `'${line}' is not set NAME: VALUE, add NAME: VALUE or remove NAME` };
    }
    if (FRAMING.has(name)) return { ok: false, message: `${name} is between the gateway and its peers` };
    if (isRemoval) {
      edit.remove.push(name);
      continue;
    }
    if (!/^[\t\x20-\x7e]*$/.test(value!)) return { ok: false, message: `the value of ${name} is not printable ASCII` };
    const filled = readRequestText(value!);
    if (!filled.ok) return filled;
    const kind = verb as 'set' | 'add';
    if (!hasVariables(filled.value)) edit[kind].push([name, filled.value.join('')]);
    else if (name === 'host') return { ok: false, message: 'host takes nothing from the request' };
    else texts.push({ verb: kind, name, value: filled.value });
  }
  return { ok: true, value: { edit, texts } };
}

/** Lines `PATTERN REPLACEMENT`. */
function readPathRules(text: string): Reading<readonly PathRule[]> {
  const rules: PathRule[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, pattern = '', template = ''] = /^(\S+)\s+(\S+)$/.exec(line) ?? [];
    if (pattern === '') return { ok: false, message: `'${line}' is not PATTERN REPLACEMENT` };
    const compiled = compilePathPattern(pattern);
    if (!compiled.ok) return { ok: false, message: compiled.problem };
    const replacement = readReplacement(template, compiled.pattern.groups);
    if (!replacement.ok) return replacement;
    rules.push({ pattern, replacement: replacement.value });
  }
  return rules.length > 0 && rules.length <= PATH_RULES_MAX
    ? { ok: true, value: rules }
    : { ok: false, message: `is not 1 to ${PATH_RULES_MAX} lines of PATTERN REPLACEMENT` };
}

/** `/new/$1`, with `$$` for a dollar. */
function readReplacement(text: string, groups: number): Reading<readonly (string | number)[]> {
  if (!readPath(text).ok) return { ok: false, message: `'${text}' is not an absolute path with $1, $2…` };
  const parts = text.split(/(\$.?)/).filter((part) => part !== '');
  const replacement: (string | number)[] = [];
  for (const part of parts) {
    if (!part.startsWith('$')) replacement.push(part);
    else if (part === '$$') replacement.push('$');
    else if (/^\$[1-9]$/.test(part) && Number(part[1]) <= groups) replacement.push(Number(part[1]));
    else return { ok: false, message: `'${part}' in '${text}' is no group of the pattern; a dollar is $$` };
  }
  return { ok: true, value: replacement };
}

function readPath(text: string): Reading<string> {
  return /^\/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%]*$/.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not an absolute path, percent-encoded, without dot segments` };
}
