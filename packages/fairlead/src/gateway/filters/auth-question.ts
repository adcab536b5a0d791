import type { RequestText } from '../../routing/request-text.ts';
import type { ForwardAuthFilter } from '../../routing/route-filters.ts';
import * as field from '../../wire/http1/field-id.ts';
import type { FilterRun } from './filter-run.ts';
import { isFieldValue } from './head-change.ts';
import { fillText, originalUrl } from './request-values.ts';

/** Describe the request to the service: what a client says in their place is left out. */
const OURS = new Set([
  'host',
  'content-length',
  'expect',
  'x-original-url',
  'x-original-method',
  'x-forwarded-method',
  'x-forwarded-uri',
  'x-auth-request-redirect',
]);

const OF_CONTENT = ['content-type', 'content-encoding'];

/** What an authorization service is asked about a request: a request of its own. */
export class AuthQuestion {
  readonly #filter: ForwardAuthFilter;
  readonly #shown: readonly (readonly [name: string, bytes: Buffer])[];
  readonly #set: readonly (readonly [name: string, value: RequestText])[];
  /** Lower-case names that the client's own are not shown of. */
  readonly #hidden: ReadonlySet<string>;

  constructor(filter: ForwardAuthFilter) {
    const { requestHeaders, setHeaders = [] } = filter;
    this.#filter = filter;
    this.#set = setHeaders;
    this.#hidden = new Set([...OURS, ...setHeaders.map(([name]) => name)]);
    const wanted = requestHeaders === '*' ? [] : requestHeaders;
    // Content means nothing without them.
    const described = filter.bodyMaxBytes === undefined ? wanted : [...new Set([...wanted, ...OF_CONTENT])];
    const names = requestHeaders === '*' ? [] : described.filter((name) => !this.#hidden.has(name));
    this.#shown = names.map((name) => [name, Buffer.from(name)]);
  }

  methodOf(run: FilterRun): string {
    return this.#filter.method === 'same' ? run.method : this.#filter.method;
  }

  /** The question's head in HTTP/1.1, but for its end. */
  head(run: FilterRun): string {
    const { host, target } = this.#filter;
    const method = this.methodOf(run);
    const address = run.clientAddress();
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `host: ${host}`,
      `x-original-url: ${originalUrl(run)}`,
      `x-original-method: ${run.method}`,
      `x-auth-request-redirect: ${run.target}`,
      `x-forwarded-for: ${address}`,
      `x-real-ip: ${address}`,
      `x-forwarded-proto: ${run.scheme}`,
      `x-forwarded-host: ${run.host}`,
      `x-forwarded-uri: ${run.target}`,
      `x-forwarded-method: ${run.method}`,
    ];
    for (const [name, bytes] of this.#shown) {
      const value = run.header(bytes);
      if (value !== undefined) lines.push(`${name}: ${value}`);
    }
    if (this.#filter.requestHeaders === '*') this.#addAll(run, lines);
    for (const [name, text] of this.#set) {
      const value = fillText(text, run);
      if (isFieldValue(value)) lines.push(`${name}: ${value}`);
    }
    return `${lines.join('\r\n')}\r\n`;
  }

  /** The whole question: a head and, where one is carried, the request's content. */
  bytes(head: string, content: Buffer | undefined): Buffer {
    const isWithout = content === undefined && /^(GET|HEAD) /.test(head);
    const length = isWithout ? '' : `content-length: ${content?.length ?? 0}\r\n`;
    const bytes = Buffer.from(`${head}${length}\r\n`, 'latin1');
    return content === undefined ? bytes : Buffer.concat([bytes, content]);
  }

  /** All fields that go from hop to hop, but for those of proxies. */
  #addAll({ head }: FilterRun, lines: string[]): void {
    for (let index = 0; index < head.fieldCount; index++) {
      if (head.dropped[index] === 1 || head.ids[index]! >= field.FORWARDED) continue;
      const text = (start: number, end: number): string =>
        Buffer.from(head.bytes.subarray(start, end)).toString('latin1');
      const name = text(head.nameStart(index), head.nameEnd(index)).toLowerCase();
      if (!this.#hidden.has(name)) lines.push(`${name}: ${text(head.valueStart(index), head.valueEnd(index))}`);
    }
  }
}
