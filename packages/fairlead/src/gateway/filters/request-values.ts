import type { RequestText, RequestVariable } from '../../routing/request-text.ts';
import type { TokenPlace, VerdictKey } from '../../routing/route-filters.ts';
import { cookieValue } from '../request-hash.ts';
import type { FilterRun } from './filter-run.ts';

/** A text with its places filled from the request. */
export function fillText(text: RequestText, run: FilterRun): string {
  let filled = '';
  for (const part of text) filled += typeof part === 'string' ? part : valueFor(part.variable, run);
  return filled;
}

function valueFor(variable: RequestVariable, run: FilterRun): string {
  switch (variable) {
    case 'scheme':
      return run.scheme;
    case 'host':
      return run.hostName;
    case 'server_port':
      return String(run.requester.port);
    case 'request_uri':
      return run.target;
    case 'escaped_request_uri':
      return encodeURIComponent(run.target);
    case 'uri':
      return run.path;
    case 'args':
      return run.query.slice(1);
    case 'is_args':
      return run.query === '' ? '' : '?';
    case 'request_method':
      return run.method;
    case 'remote_addr':
      return run.clientAddress();
  }
}

/** Where the client is, as it sees it. */
export function originalUrl(run: FilterRun): string {
  return `${run.scheme}://${run.host}${run.target}`;
}

/** The secret that a request carries at the first of these places that has one. */
export function findToken(run: FilterRun, places: readonly TokenPlace[]): string | undefined {
  for (const place of places) {
    const value = tokenAt(run, place);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function tokenAt(run: FilterRun, { type, name }: TokenPlace): string | undefined {
  if (type === 'cookie') return cookieValue(run.head, name);
  if (type === 'query') return new URLSearchParams(run.query).get(name) ?? undefined;
  const value = run.header(Buffer.from(name));
  return name === 'authorization' ? /^bearer +(\S+)$/i.exec(value ?? '')?.[1] : value;
}

/** What a request has for a key; undefined without it. */
export function verdictValue(run: FilterRun, key: VerdictKey): string | undefined {
  switch (key.type) {
    case 'method':
      return run.method;
    case 'host':
      return `${run.scheme}://${run.host}`;
    case 'path':
      return run.target;
    case 'source':
      return run.clientAddress();
    case 'header':
      return run.header(Buffer.from(key.name));
    case 'cookie':
      return cookieValue(run.head, key.name);
    case 'query':
      return new URLSearchParams(run.query).get(key.name) ?? undefined;
  }
}
