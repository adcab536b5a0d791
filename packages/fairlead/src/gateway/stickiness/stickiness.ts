import { createHmac, randomBytes } from 'node:crypto';
import type { StickyFilter } from '../../routing/route-filters.ts';
import type { CompiledFilter, Verdict } from '../filters/filter.ts';
import type { FilterRun } from '../filters/filter-run.ts';
import { cookieValue } from '../request-hash.ts';
import { StickySession } from './sticky-session.ts';

/** Tags remembered; beyond, all are computed again. */
const TAGS_MAX = 16_384;
const BACKEND_TAG_BYTES = 6;
const KEY_BYTES = 16;
const VALUE = /^([-\w]{8})\.([-\w]{22})$/;

/** What a client's cookie or field says, as far as it can be ours. */
export interface SessionValue {
  readonly backendTag: string;
  /** `persistent`: tag of the endpoint. `balanced`: a key of chance that is hashed. */
  readonly key: string;
}

/**
 * Keeps clients with their endpoint. What a client is given is a keyed digest of backend and endpoint, the same in
 * all workers and gateways that read the same Ingress, so nobody needs to remember sessions; it tells nothing of addresses.
 */
export class Stickiness implements CompiledFilter {
  readonly filter: StickyFilter;
  readonly #fieldName: Buffer;
  readonly #tags: Map<string, string> = new Map();

  constructor(filter: StickyFilter) {
    this.filter = filter;
    this.#fieldName = Buffer.from(filter.by.type === 'cookie' ? 'cookie' : filter.by.name);
  }

  onRequest(run: FilterRun): Verdict {
    const { by } = this.filter;
    const text = by.type === 'cookie' ? cookieValue(run.head, by.name) : run.header(this.#fieldName);
    const [, backendTag, key] = VALUE.exec(text ?? '') ?? [];
    const value = backendTag === undefined || key === undefined ? undefined : { backendTag, key };
    run.session = new StickySession(this, value, run.requester.scheme === 'https');
    return 'pass';
  }

  backendTag(backend: string): string {
    return this.#tag(`backend ${backend}`, BACKEND_TAG_BYTES);
  }

  /** @param label `address:port` */
  endpointTag(backend: string, label: string): string {
    return this.#tag(`endpoint ${backend} ${label}`, KEY_BYTES);
  }

  /** A key for a session that is hashed. */
  newKey(): string {
    return randomBytes(KEY_BYTES).toString('base64url');
  }

  #tag(text: string, bytes: number): string {
    let tag = this.#tags.get(text);
    if (tag === undefined) {
      if (this.#tags.size >= TAGS_MAX) this.#tags.clear();
      tag = createHmac('sha256', this.filter.key).update(text).digest().subarray(0, bytes).toString('base64url');
      this.#tags.set(text, tag);
    }
    return tag;
  }
}
