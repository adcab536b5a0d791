import type { Reading } from './annotation-values.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import type { HeaderEdit, Route } from './route-table.ts';

/** What the annotations of an Ingress change about requests and answers. */
export interface RouteEdits {
  readonly requestHeaders: HeaderEdit | undefined;
  readonly responseHeaders: HeaderEdit | undefined;
  /** Takes the place of a matched prefix, or of a whole path that was matched exactly. */
  readonly rewrite: string | undefined;
  readonly problems: readonly AnnotationProblem[];
}

const PREFIX = 'fairlead.dev/';
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
  const requestHeaders = read('request-headers', readHeaderEdit);
  const responseHeaders = read('response-headers', readHeaderEdit);
  return { requestHeaders, responseHeaders, rewrite: read('rewrite-path', readPath), problems };
}

/** The rewrite of a route, by how it matches. */
export function pathRewriteOf(
  rewrite: string | undefined,
  match: Route['match']['path'],
): NonNullable<Route['pathRewrite']> | undefined {
  return rewrite === undefined ? undefined : { type: match.type === 'prefix' ? 'prefix' : 'full', value: rewrite };
}

/** Lines `set NAME: VALUE`, `add NAME: VALUE`, `remove NAME`. */
function readHeaderEdit(text: string): Reading<HeaderEdit> {
  const edit = { set: [] as [string, string][], add: [] as [string, string][], remove: [] as string[] };
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, verb = '', rawName = '', value] = /^(set|add|remove) +([^:\s]+)(?: *: *(.*))?$/.exec(line) ?? [];
    const name = rawName.toLowerCase();
    const isRemoval = verb === 'remove';
    if (verb === '' || !TOKEN.test(name) || isRemoval !== (value === undefined)) {
      return { ok: false, message: `'${line}' is not set NAME: VALUE, add NAME: VALUE or remove NAME` };
    }
    if (FRAMING.has(name)) return { ok: false, message: `${name} is between the gateway and its peers` };
    if (isRemoval) edit.remove.push(name);
    else if (/^[\t\x20-\x7e]*$/.test(value!)) edit[verb as 'set' | 'add'].push([name, value!]);
    else return { ok: false, message: `the value of ${name} is not printable ASCII` };
  }
  return { ok: true, value: edit };
}

function readPath(text: string): Reading<string> {
  return /^\/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%]*$/.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not an absolute path, percent-encoded, without dot segments` };
}
