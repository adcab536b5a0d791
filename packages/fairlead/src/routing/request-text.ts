import type { Reading } from './annotation-values.ts';

/** What of a request a text may name. Nothing else of it can get there. */
const REQUEST_VARIABLES = [
  /** `http` or `https`, as a trusted proxy in front says. */
  'scheme',
  /** Host without port. */
  'host',
  /** Port that the client connected to. */
  'server_port',
  /** Path as it was matched, with its query. */
  'request_uri',
  /** The same, percent-encoded as one value of a query. */
  'escaped_request_uri',
  /** Path as it was matched. */
  'uri',
  /** Query without its question mark. */
  'args',
  /** `?` with a query, else nothing. */
  'is_args',
  'request_method',
  /** Address of the client, behind trusted proxies the one that they name. */
  'remote_addr',
] as const;
/** One of {@link REQUEST_VARIABLES}. */
export type RequestVariable = (typeof REQUEST_VARIABLES)[number];

/** A text with places for what a request holds. */
export type RequestText = readonly (string | { readonly variable: RequestVariable })[];

/** Reads `$name` and `${name}`; `$$` is a dollar. Unknown names are refused: they would be sent as they are. */
export function readRequestText(text: string): Reading<RequestText> {
  const parts: (string | { variable: RequestVariable })[] = [];
  let literal = '';
  for (let at = 0; at < text.length; ) {
    if (text[at] !== '$') {
      literal += text[at++];
      continue;
    }
    if (text[at + 1] === '$') {
      literal += '$';
      at += 2;
      continue;
    }
    const match = /^\$(?:\{([a-z_]+)\}|([a-z_]+))/.exec(text.slice(at, at + 40));
    const variable = REQUEST_VARIABLES.find((name) => name === (match?.[1] ?? match?.[2]));
    if (match === null || variable === undefined) {
      const shown = match?.[0] ?? '$';
      return { ok: false, message: `'${shown}' is none of $${REQUEST_VARIABLES.join(', $')}; a dollar is $$` };
    }
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ variable });
    at += match[0].length;
  }
  if (literal !== '') parts.push(literal);
  return { ok: true, value: parts };
}

/** Whether there is anything but plain text in it. */
export function hasVariables(text: RequestText): boolean {
  return text.some((part) => typeof part !== 'string');
}

const HOST =
  '(\\$\\{?host\\}?|[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:(\\d{1,5}|\\$\\{?server_port\\}?))?';
/** The host ends before anything that a client could put there. */
const ABSOLUTE = new RegExp(`^(https?|\\$\\{?scheme\\}?)://${HOST}($|[/?#]|\\$\\{?(request_uri|uri)\\b)`);
/** One slash only, and nothing of the request right behind it: two of them would begin a host. */
const RELATIVE = /^\/($|[^/\\$])/;

/**
 * Reads where a client may be sent: `https://name/…`, `$scheme://$host/…` or a path. Nothing of the request can
 * become part of the host (but a host that the route serves).
 */
export function readLocation(text: string): Reading<RequestText> {
  if (!/^[\x21-\x7e]+$/.test(text) || (!ABSOLUTE.test(text) && !RELATIVE.test(text))) {
    return { ok: false, message: `'${text}' is neither https://NAME/…, $scheme://$host/… nor an absolute path` };
  }
  return readRequestText(text);
}
