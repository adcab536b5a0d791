import type { ExchangeRecord } from '../exchange-record.ts';
import { DEFAULT_LOG_FIELDS, LOG_FIELDS, type LogField } from './log-fields.ts';

/** Lines as JSON objects of some fields, or as a template says. */
export type LogFormat =
  | { readonly type: 'json'; readonly fields: readonly string[] }
  | { readonly type: 'template'; readonly text: string };

/** A format ready to run. */
export interface CompiledLogFormat {
  /** Request headers that it needs, in lower case; their values come in the same order. */
  readonly headers: readonly string[];
  /** One line with its end. */
  readonly line: (exchange: ExchangeRecord, nowMs: number) => string;
}

/** A format that can be written, or all that is wrong with it. */
export type LogFormatResult =
  | { readonly ok: true; readonly format: CompiledLogFormat }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Formats by name. */
export const NAMED_LOG_FORMATS: Readonly<Record<string, LogFormat>> = {
  json: { type: 'json', fields: DEFAULT_LOG_FIELDS },
  common: { type: 'template', text: '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent' },
  combined: {
    type: 'template',
    text: '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
  },
  envoy: {
    type: 'template',
    text: '[%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESPONSE_DURATION% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
  },
};

type Value = LogField['value'];
const byName = new Map(LOG_FIELDS.map((field) => [field.name, field.value] as const));
const byNginxName = new Map(LOG_FIELDS.flatMap(({ nginx, value }) => (nginx === undefined ? [] : [[nginx, value]])));
const byEnvoyName = new Map(LOG_FIELDS.flatMap(({ envoy, value }) => (envoy === undefined ? [] : [[envoy, value]])));
/** Pseudo-headers of Envoy's %REQ()%. */
const PSEUDO: Readonly<Record<string, string>> = { ':method': 'method', ':path': 'target', ':authority': 'host' };
const TOKEN = /^[!#$&'*+\-.^_`|~0-9a-z]+$/;
/** Credentials do not belong in a log. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Compiles a format; tells all that is wrong with it. */
export function compileLogFormat(format: LogFormat): LogFormatResult {
  const headers: string[] = [];
  const problems: string[] = [];
  const header = (name: string): Value => {
    if (!TOKEN.test(name)) problems.push(`'${name}' is not a header name`);
    if (SECRET_HEADERS.has(name)) problems.push(`the header ${name} holds credentials and is not logged`);
    const known = headers.indexOf(name);
    const at = known >= 0 ? known : headers.push(name) - 1;
    return (exchange) => exchange.headerValues[at];
  };
  const line = format.type === 'json' ? json(format.fields, header, problems) : template(format.text, header, problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, format: { headers, line } };
}

type HeaderValue = (name: string) => Value;

/** Fields by name; `header.NAME` for a request header. */
function json(names: readonly string[], header: HeaderValue, problems: string[]): CompiledLogFormat['line'] {
  const fields = names.flatMap((name) => {
    const value = name.startsWith('header.') ? header(name.slice('header.'.length).toLowerCase()) : byName.get(name);
    if (value !== undefined) return [{ key: `${JSON.stringify(name)}:`, value }];
    problems.push(`unknown field '${name}'; there are ${[...byName.keys()].join(', ')} and header.NAME`);
    return [];
  });
  if (names.length === 0) problems.push('no fields');
  return (exchange, nowMs) => {
    let line = '{';
    for (let i = 0; i < fields.length; i++) {
      const { key, value } = fields[i]!;
      const found = value(exchange, nowMs);
      if (found === undefined) continue;
      if (line.length > 1) line += ',';
      line += key + (typeof found === 'number' ? found : quoted(found));
    }
    return `${line}}\n`;
  };
}

const PLAIN = /^[ !#-[\]-~\xa0-\xff]*$/;

/** A text in JSON. What came as bytes shows as Latin-1; no control character stays as it is, C1 ones included. */
function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** `$name`, `${name}` and `$http_name` as in nginx, `%NAME%` and `%REQ(NAME)%` as in Envoy, `$$` and `%%`. */
const VARIABLE =
  /\$\$|%%|\$\{([A-Za-z][\w.]*)\}|\$([A-Za-z]\w*)|%([A-Z_]+)(?:\(([^)?]+)(?:\?([^)]+))?\)(?::\d+)?)?%|[$%]/g;

function template(text: string, header: HeaderValue, problems: string[]): CompiledLogFormat['line'] {
  // A line of its own for each exchange.
  if (/[\r\n]/.test(text)) problems.push('a template is one line');
  const pieces: (string | Value)[] = [];
  let at = 0;
  for (const match of text.matchAll(VARIABLE)) {
    if (match.index > at) pieces.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const piece = variable(match, header);
    if (piece === undefined) problems.push(`unknown variable '${match[0]}'`);
    else pieces.push(piece);
  }
  if (at < text.length) pieces.push(text.slice(at));
  return (exchange, nowMs) => {
    let line = '';
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!;
      line += typeof piece === 'string' ? piece : escaped(piece(exchange, nowMs));
    }
    return `${line}\n`;
  };
}

function variable(match: RegExpMatchArray, header: HeaderValue): string | Value | undefined {
  const [whole, braced, plain, envoy, argument, alternative] = match;
  if (whole === '$$' || whole === '%%') return whole[0];
  const name = braced ?? plain;
  if (name !== undefined) {
    if (name.startsWith('http_')) return header(name.slice('http_'.length).toLowerCase().replaceAll('_', '-'));
    return byNginxName.get(name) ?? byName.get(name);
  }
  if (envoy === undefined) return undefined;
  if (envoy !== 'REQ') return argument === undefined ? byEnvoyName.get(envoy) : undefined;
  if (argument === undefined) return undefined;
  const first = requestValue(argument, header);
  if (alternative === undefined || first === undefined) return first;
  const second = requestValue(alternative, header);
  return second === undefined ? undefined : (exchange, nowMs) => first(exchange, nowMs) ?? second(exchange, nowMs);
}

function requestValue(name: string, header: HeaderValue): Value | undefined {
  const lower = name.toLowerCase();
  return lower.startsWith(':') ? byName.get(PSEUDO[lower] ?? '') : header(lower);
}

const UNSAFE = /[^ !#-[\]-~]/;
const UNSAFE_ALL = /[^ !#-[\]-~]/g;

/** As nginx: what could end a quoted text or a line becomes `\xHH`; nothing is `-`. */
function escaped(value: string | number | undefined): string {
  if (value === undefined || value === '') return '-';
  if (typeof value === 'number') return String(value);
  if (!UNSAFE.test(value)) return value;
  return value.replace(UNSAFE_ALL, (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
