import { createHash } from 'node:crypto';
import type { ApiKeyFilter } from '../../routing/route-filters.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { findToken } from './request-values.ts';

const UNAVAILABLE: FilterAnswer = { status: 503, body: errorBody(503), reason: 'auth-failed', fields: [] };
const REFUSAL: FilterAnswer = {
  status: 401,
  body: errorBody(401),
  reason: 'unauthenticated',
  fields: [['www-authenticate', 'ApiKey']],
};

/** Asks for a key of a Secret. Only digests are compared, by look-up: its time tells nothing about a key. */
export class ApiKey implements CompiledFilter {
  readonly #filter: ApiKeyFilter;
  readonly #services: FilterServices;
  readonly #clientHeader: Buffer | undefined;
  /** Client by digest of its key, of the users that were known last. */
  #clients: ReadonlyMap<string, string> = new Map();
  #users: ReadonlyMap<string, string> | undefined = undefined;

  constructor(filter: ApiKeyFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    this.#clientHeader = filter.clientHeader === undefined ? undefined : Buffer.from(filter.clientHeader);
  }

  onRequest(run: FilterRun): Verdict {
    const { credentials, from, clientHeader } = this.#filter;
    const users = this.#services.credentials(credentials);
    if (users === undefined) return UNAVAILABLE;
    if (users !== this.#users) {
      this.#users = users;
      this.#clients = new Map([...users].map(([client, digest]) => [digest, client]));
    }
    if (this.#clientHeader !== undefined) run.requestChange.dropAlike(this.#clientHeader);
    const key = findToken(run, from);
    if (key === undefined) return REFUSAL;
    const client = this.#clients.get(createHash('sha256').update(key, 'latin1').digest('hex'));
    if (client === undefined) return REFUSAL;
    if (clientHeader === undefined) return 'pass';
    return run.requestChange.add(clientHeader, client) ? 'pass' : UNAVAILABLE;
  }
}
