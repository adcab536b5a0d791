import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { textOf } from '../../route-lookup.ts';
import type { FilterRun } from '../filter-run.ts';

const COOKIE = Buffer.from('cookie');

/** A cookie of the gateway's own. */
export interface OwnCookie {
  readonly name: string;
  /** Empty: it is taken away. */
  readonly value: string;
  readonly path: string;
  readonly maxAgeS: number;
  readonly isSecure: boolean;
}

/** The field that sets it. Other sites' forms do not bring it along, scripts do not read it. */
export function setCookie({ name, value, path, maxAgeS, isSecure }: OwnCookie): readonly [name: string, value: string] {
  const secure = isSecure ? '; Secure' : '';
  return ['set-cookie', `${name}=${value}; Path=${path}; Max-Age=${maxAgeS}${secure}; HttpOnly; SameSite=Lax`];
}

/** Keeps the cookie of this name, and those of logins (`NAME-` and 8 letters), from endpoints; false: what is left has no room. */
export function hideCookies(run: FilterRun, name: string): boolean {
  const pairs = pairsOf(run.head);
  const kept = pairs.filter((pair) => {
    const own = pair.startsWith(name) ? pair.slice(name.length) : undefined;
    return own === undefined || !/^(-[-\w]{8})? *=/.test(own);
  });
  if (kept.length === pairs.length) return true;
  run.requestChange.drop(COOKIE);
  return kept.length === 0 || run.requestChange.add('cookie', kept.join('; '));
}

/** `NAME=VALUE` of all Cookie fields: HTTP/2 has several (RFC 9113 8.2.3). */
function pairsOf(head: RequestHead): string[] {
  const pairs: string[] = [];
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, COOKIE)) continue;
    const text = textOf(head, head.valueStart(index) - head.base, head.valueEnd(index) - head.base);
    pairs.push(...text.split(';').map((pair) => pair.trim()));
  }
  return pairs.filter((pair) => pair !== '');
}
