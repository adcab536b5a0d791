import type { AnnotationReader } from './annotation-reader.ts';
import { type Reading, readWord } from './annotation-values.ts';
import { readLocation } from './request-text.ts';
import type { HttpsRedirectFilter, RedirectFilter } from './route-filters.ts';

/** Where an Ingress sends clients instead of to its backends. */
export interface IngressRedirects {
  /** For every request, or those for `/` only. */
  readonly filters: readonly RedirectFilter[];
  /** To HTTPS, by host. */
  readonly toHttps: (hasTls: boolean) => HttpsRedirectFilter | undefined;
  /** Requests for the host with `www.` in front, or without it, go to the other one. */
  readonly fromWww: boolean;
}

const TRUTH = ['true', 'false'] as const;

/** Reads the annotations that redirect. A wrong one counts as absent. */
export function readRedirects(reader: AnnotationReader): IngressRedirects {
  const isTrue = (name: string): boolean | undefined => {
    const word = reader.optional(name, (text) => readWord(text, TRUTH));
    return word === undefined ? undefined : word === 'true';
  };
  const ssl = isTrue('ssl-redirect');
  const force = isTrue('force-ssl-redirect');
  const sslStatus = reader.optional('ssl-redirect-code', (text) => readStatus(text, [301, 302, 307, 308] as const));
  const permanent = reader.optional('permanent-redirect', readLocation);
  const permanentStatus = reader.optional('permanent-redirect-code', (text) => readStatus(text, [301, 308] as const));
  const temporal = reader.optional('temporal-redirect', readLocation);
  const temporalStatus = reader.optional('temporal-redirect-code', (text) =>
    readStatus(text, [302, 303, 307] as const),
  );
  const root = reader.optional('app-root', readRoot);
  if (permanent !== undefined && temporal !== undefined) {
    reader.problem('temporal-redirect', 'has no effect beside permanent-redirect');
  }
  const filters: RedirectFilter[] = [];
  if (root !== undefined) filters.push({ type: 'redirect', status: 302, location: [root], path: '/' });
  if (permanent !== undefined) filters.push({ type: 'redirect', status: permanentStatus ?? 301, location: permanent });
  else if (temporal !== undefined) {
    filters.push({ type: 'redirect', status: temporalStatus ?? 302, location: temporal });
  }
  const https: HttpsRedirectFilter = { type: 'https-redirect', status: sslStatus ?? 308 };
  return {
    filters,
    toHttps: (hasTls) => (force === true || (hasTls && ssl !== false) ? https : undefined),
    fromWww: isTrue('from-to-www-redirect') === true,
  };
}

function readStatus<T extends number>(text: string, statuses: readonly T[]): Reading<T> {
  const status = statuses.find((each) => String(each) === text);
  return status === undefined
    ? { ok: false, message: `'${text}' is none of ${statuses.join(', ')}` }
    : { ok: true, value: status };
}

function readRoot(text: string): Reading<string> {
  return /^\/[\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x7e]*$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a path other than /` };
}
