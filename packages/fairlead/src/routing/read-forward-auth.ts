import type { AnnotationReader } from './annotation-reader.ts';
import { fieldOf } from './annotation-reader.ts';
import { type Reading, readBytes, readDuration, readList, readWord } from './annotation-values.ts';
import type { BackendRef } from './compile-ingress.ts';
import { connectionKey } from './read-backend-connection.ts';
import { type RequestText, readLocation, readRequestText } from './request-text.ts';
import type { ForwardAuthFilter, RouteFilter, VerdictKey } from './route-filters.ts';

const TIMEOUT_MS = 5_000;
const BODY_MAX_BYTES = 1024 * 1024;
/** What sessions and tokens travel in, and what tells a browser from a program. */
const REQUEST_HEADERS = ['authorization', 'cookie', 'accept', 'user-agent', 'x-requested-with'];
/** A verdict may depend on all that the service is shown of who asks for what. */
const CACHE_BY: readonly VerdictKey[] = [
  { type: 'method' },
  { type: 'host' },
  { type: 'path' },
  { type: 'header', name: 'authorization' },
  { type: 'header', name: 'cookie' },
];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Fields of one hop, of the message's frame and of the gateway: no service sets them. */
const GATEWAY_OWN =
  /^(connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|proxy-connection|host|expect|forwarded|x-forwarded-.*|x-real-ip)$/;

/**
 * Reads `fairlead.dev/auth-…`. What is wrong closes the routes; only a wrong sign-in page, a wrong cache and what
 * concerns answers to clients count as absent.
 */
export function readForwardAuth(
  reader: AnnotationReader,
  namespace: string,
): { readonly filter: RouteFilter; readonly backends: readonly BackendRef[] } | undefined {
  const url = reader.read('auth-url', (text) => readServiceUrl(text, namespace, 'auth-url'));
  const method = reader.read('auth-method', (text) => readWord(text, ['GET', 'HEAD', 'POST', 'same'] as const));
  const timeoutMs = reader.read('auth-timeout', readDuration);
  const bodyMaxBytes = reader.read('auth-max-body-size', readBodyBytes);
  const requestHeaders = reader.read(
    'auth-request-headers',
    (text): Reading<readonly string[] | '*'> => (text === '*' ? { ok: true, value: '*' } : readList(text, readName)),
  );
  const responseHeaders = reader.read('auth-response-headers', (text) => readList(text, readIdentityName));
  const setHeaders = reader.read('auth-set-request-headers', readQuestionHeaders);
  const refusal = reader.optional('auth-refusal', (text) => readWord(text, ['status', 'answer'] as const));
  const clientHeaders = reader.optional('auth-client-headers', (text) => readList(text, readIdentityName));
  const signIn = reader.optional('auth-signin', readLocation);
  const parameter = reader.optional('auth-signin-redirect-param', readName);
  const cookies = reader.optional('auth-set-cookie', (text) => readWord(text, ['true', 'false'] as const));
  const cacheMs = reader.optional('auth-cache', readDuration);
  // Fewer keys than were meant would mix up who is who.
  const cacheBy = reader.read('auth-cache-by', (text) => readList(text, readVerdictKey));
  if (url === undefined) return undefined;
  const read = { method, timeoutMs, bodyMaxBytes, requestHeaders, responseHeaders, setHeaders };
  if (url === 'wrong' || Object.values(read).includes('wrong')) {
    return { filter: { type: 'closed', what: 'auth-url' }, backends: [] };
  }
  const sendsBody = bodyMaxBytes !== undefined && method !== 'GET' && method !== 'HEAD';
  if (bodyMaxBytes !== undefined && !sendsBody) {
    reader.problem('auth-max-body-size', `a question of ${method} has no content: needs auth-method POST or same`);
  }
  const { backend, host, target } = url;
  const filter: ForwardAuthFilter = {
    type: 'forward-auth',
    backend: backend.key,
    host,
    target,
    method: rightly(method) ?? (sendsBody ? 'same' : 'GET'),
    ...(sendsBody ? { bodyMaxBytes: bodyMaxBytes as number } : {}),
    timeoutMs: rightly(timeoutMs) ?? TIMEOUT_MS,
    requestHeaders: rightly(requestHeaders) ?? REQUEST_HEADERS,
    responseHeaders: rightly(responseHeaders) ?? [],
    ...(setHeaders === undefined || setHeaders === 'wrong' ? {} : { setHeaders }),
    ...(refusal === undefined ? {} : { refusal }),
    ...(clientHeaders === undefined ? {} : { clientHeaders }),
    passesCookies: cookies === 'true',
    ...(signIn === undefined ? {} : { signIn }),
    ...(signIn === undefined || reader.text('auth-signin')?.includes(`${parameter ?? 'rd'}=`) === true
      ? {}
      : { signInParameter: parameter ?? 'rd' }),
    ...(cacheMs === undefined || cacheBy === 'wrong' ? {} : { cache: { by: cacheBy ?? CACHE_BY, ms: cacheMs } }),
  };
  return { filter, backends: [backend] };
}

function rightly<T>(value: T | 'wrong'): T | undefined {
  return value === 'wrong' ? undefined : (value as T);
}

/** Each request keeps so much in memory. */
function readBodyBytes(text: string): Reading<number> {
  const bytes = readBytes(text);
  if (!bytes.ok || (bytes.value > 0 && bytes.value <= BODY_MAX_BYTES)) return bytes;
  return { ok: false, message: `'${text}' is not a size from 1 byte to 1m` };
}

/** `http://SERVICE[.NAMESPACE[.svc[.DOMAIN]]][:PORT][/PATH]` */
export function readServiceUrl(
  text: string,
  own: string,
  annotation: string,
): Reading<{ readonly backend: BackendRef; readonly host: string; readonly target: string }> {
  const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
  const pattern = `^(https?)://((${label})(?:\\.(${label})(?:\\.svc(?:\\.[-a-z0-9.]*[a-z0-9])?)?)?)(?::(\\d{1,5}))?(/[\\x21-\\x22\\x24-\\x7e]*)?$`;
  const match = new RegExp(pattern).exec(text);
  if (match === null) {
    return { ok: false, message: `'${text}' is not like http://SERVICE.NAMESPACE:PORT/PATH, of a Service` };
  }
  const [, scheme, name, service = '', namespace = own, portText, target = '/'] = match;
  const port = Number(portText ?? (scheme === 'https' ? 443 : 80));
  if (port < 1 || port > 65_535) return { ok: false, message: `${port} is not a port` };
  // Who may come is not asked of just anybody: with https the certificate must be good for the name.
  const connection =
    scheme === 'https' ? ({ protocol: 'https', ca: { type: 'system' }, serverName: name! } as const) : undefined;
  const backend: BackendRef = {
    key: `${namespace}/${service}:${port}${connectionKey(connection)}`,
    namespace,
    service,
    port,
    field: fieldOf(annotation),
    ...(connection === undefined ? {} : { connection }),
  };
  return { ok: true, value: { backend, host: portText === undefined ? name! : `${name}:${portText}`, target } };
}

function readName(text: string): Reading<string> {
  return TOKEN.test(text)
    ? { ok: true, value: text.toLowerCase() }
    : { ok: false, message: `'${text}' is not a header name` };
}

/** The name of a header that the service sets. */
export function readIdentityName(text: string): Reading<string> {
  const name = readName(text);
  if (!name.ok || !GATEWAY_OWN.test(name.value)) return name;
  return { ok: false, message: `${name.value} is the gateway's own` };
}

/** Lines `NAME: VALUE`, with variables in values. */
function readQuestionHeaders(lines: string): Reading<readonly (readonly [name: string, value: RequestText])[]> {
  const headers: (readonly [string, RequestText])[] = [];
  for (const line of lines.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, rawName = '', text = ''] = /^([^:\s]+) *: *([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (rawName === '') return { ok: false, message: `'${line}' is not NAME: VALUE` };
    const name = readIdentityName(rawName);
    if (!name.ok) return name;
    const value = readRequestText(text);
    if (!value.ok) return value;
    headers.push([name.value, value.value]);
  }
  return { ok: true, value: headers };
}

function readVerdictKey(text: string): Reading<VerdictKey> {
  const match = /^(?:(method|host|path|source)|(header|cookie|query) (\S+))$/.exec(text);
  if (match === null) {
    return {
      ok: false,
      message: `'${text}' is none of method, host, path, source, header NAME, cookie NAME, query NAME`,
    };
  }
  const [, plain, named, name = ''] = match;
  if (plain !== undefined) return { ok: true, value: { type: plain as 'method' | 'host' | 'path' | 'source' } };
  const isHeader = named === 'header';
  if (isHeader && !TOKEN.test(name)) return { ok: false, message: `'${name}' is not a header name` };
  return {
    ok: true,
    value: { type: named as 'header' | 'cookie' | 'query', name: isHeader ? name.toLowerCase() : name },
  };
}
