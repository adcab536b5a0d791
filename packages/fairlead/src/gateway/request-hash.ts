// Hot path for backends with consistent hashing.
import { hashBytes } from '@fairlead/balance';
import type { HashKey } from '../routing/backend-policies.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import { textOf } from './route-lookup.ts';

/** Hash of the first key that the request has; undefined if it has none: then chance decides. */
export function requestHash(head: RequestHead, keys: readonly HashKey[], source: string): number | undefined {
  for (const key of keys) {
    const hash = hashOf(head, key, source);
    if (hash !== undefined) return hash;
  }
  return undefined;
}

function hashOf(head: RequestHead, key: HashKey, source: string): number | undefined {
  switch (key.type) {
    case 'source':
      return hashText(source);
    case 'header': {
      const index = indexOfField(head, key.name);
      return index < 0 ? undefined : hashBytes(head.bytes, head.valueStart(index), head.valueEnd(index));
    }
    case 'cookie': {
      const value = cookieValue(head, key.name);
      return value === undefined ? undefined : hashText(value);
    }
    case 'query': {
      const value = new URLSearchParams(textOf(head, head.pathEnd, head.targetEnd)).get(key.name);
      return value === null ? undefined : hashText(value);
    }
  }
}

function hashText(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return hashBytes(bytes, 0, bytes.length);
}

function indexOfField(head: RequestHead, name: string): number {
  const bytes = Buffer.from(name, 'latin1');
  for (let index = 0; index < head.fieldCount; index++) if (head.isNamed(index, bytes)) return index;
  return -1;
}

/** Value of a cookie (RFC 6265 5.4); HTTP/2 clients may send several Cookie fields. */
export function cookieValue(head: RequestHead, name: string): string | undefined {
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, COOKIE)) continue;
    const text = textOf(head, head.valueStart(index) - head.base, head.valueEnd(index) - head.base);
    for (const pair of text.split(';')) {
      const equals = pair.indexOf('=');
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
  }
  return undefined;
}

const COOKIE = Buffer.from('cookie');
