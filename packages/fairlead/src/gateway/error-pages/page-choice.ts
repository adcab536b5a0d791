import type { RoutePage } from '../../routing/route-filters.ts';
import type { ResponseHead } from '../../wire/http1/response-head.ts';

/** What a client gets in the place of an error's own content. */
export interface ErrorPage {
  readonly contentType: string;
  readonly body: Buffer;
  /** It depends on what the client accepts. */
  readonly varies: boolean;
}

/**
 * The page for a status: one for it, else for its class (`5xx`), else the default one. Of several, in several types,
 * the first that the client's Accept has, else the first.
 */
export function choosePage(pages: readonly RoutePage[], status: number, accept: string): ErrorPage | undefined {
  const forms = [String(status), `${Math.floor(status / 100)}xx`, 'default'];
  const fitting = forms.map((form) => pages.filter((page) => page.status === form)).find((found) => found.length > 0);
  if (fitting === undefined) return undefined;
  const ranges = accept.toLowerCase().split(',');
  const wanted = ranges.map((range) => range.split(';')[0]!.trim());
  const page =
    wanted
      .filter((range) => range !== '*/*')
      .map((range) => fitting.find(({ contentType }) => isWithin(contentType, range)))
      .find((found) => found !== undefined) ?? fitting[0]!;
  return { contentType: page.contentType, body: Buffer.from(page.text), varies: fitting.length > 1 };
}

function isWithin(contentType: string, range: string): boolean {
  const type = contentType.split(';')[0]!.trim();
  return range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

/** What an error answer says beside its content, and must go on saying: how to log in, when to come back. */
const KEPT = [
  'www-authenticate',
  'proxy-authenticate',
  'authentication-info',
  'retry-after',
  'allow',
  'set-cookie',
  'cache-control',
].map((name) => [name, Buffer.from(name)] as const);

/** Those fields of an answer that outlive its content. */
export function keptFields(head: ResponseHead): (readonly [name: string, value: string])[] {
  const fields: (readonly [string, string])[] = [];
  for (let index = 0; index < head.fieldCount; index++) {
    const known = KEPT.find(([, bytes]) => head.isNamed(index, bytes));
    if (known === undefined || head.dropped[index] === 1) continue;
    const value = Buffer.from(head.bytes.subarray(head.valueStart(index), head.valueEnd(index))).toString('latin1');
    fields.push([known[0], value]);
  }
  return fields;
}
