// Hot path where it is asked for: once per request.
import type { RequestHead } from '../wire/http1/request-head.ts';

/**
 * What becomes of requests with underscores in field names, which servers that hand fields on as CGI does take for
 * hyphens. Fields that the gateway itself or a filter vouches for are taken away in either spelling in any case.
 */
export type UnderscoreRule = 'pass' | 'drop' | 'refuse';

const UNDERSCORE = 95;

/** Applies the rule to a head that was just read; false: the request is to be refused (400). */
export function screenUnderscores(head: RequestHead, rule: UnderscoreRule): boolean {
  if (rule === 'pass') return true;
  const { bytes } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const end = head.nameEnd(index);
    for (let at = head.nameStart(index); at < end; at++) {
      if (bytes[at] !== UNDERSCORE) continue;
      if (rule === 'refuse') return false;
      head.dropped[index] = 1;
      break;
    }
  }
  return true;
}
