import { createHmac, randomBytes } from 'node:crypto';
import type { BasicAuthFilter } from '../../routing/route-filters.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { checkQuickly } from './password-hash.ts';

const AUTHORIZATION = Buffer.from('authorization');
/** Passwords known to be right, of all routes of a worker. */
const KNOWN_MAX = 4096;
const UNAVAILABLE: FilterAnswer = { status: 503, body: errorBody(503), reason: 'auth-failed', fields: [] };

/** Passwords that were right, as keyed digests of hash and password: a changed Secret forgets them by itself. */
const known = new Set<string>();
const secret = randomBytes(32);

/** Asks for a user name and password. The header stays for the backend. */
export class BasicAuth implements CompiledFilter {
  readonly #filter: BasicAuthFilter;
  readonly #services: FilterServices;
  readonly #refusal: FilterAnswer;

  constructor(filter: BasicAuthFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    const challenge = `Basic realm="${filter.realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`;
    this.#refusal = {
      status: 401,
      body: errorBody(401),
      reason: 'unauthenticated',
      fields: [['www-authenticate', challenge]],
    };
  }

  onRequest(run: FilterRun): Verdict {
    const users = this.#services.credentials(this.#filter.credentials);
    if (users === undefined) return UNAVAILABLE;
    const given = readCredentials(run.header(AUTHORIZATION));
    if (given === undefined) return this.#refusal;
    const { user, password } = given;
    const found = users.get(user);
    // Somebody who is not listed takes as long as somebody who is.
    const hash = found ?? users.values().next().value;
    if (hash === undefined) return this.#refusal;
    const digest = createHmac('sha256', secret).update(`${hash}\n${password}`).digest('base64');
    if (found !== undefined && known.has(digest)) return 'pass';
    const verdict = (matches: boolean | undefined): 'pass' | FilterAnswer => {
      if (matches === undefined) return UNAVAILABLE;
      if (!matches || found === undefined) return this.#refusal;
      remember(digest);
      return 'pass';
    };
    const quick = checkQuickly(hash, password);
    if (quick !== undefined) return verdict(quick);
    const { checkPassword } = this.#services;
    return {
      begin: (done) => checkPassword(hash, password, (matches) => done(verdict(matches))) ?? UNAVAILABLE,
    };
  }
}

function remember(digest: string): void {
  if (known.size >= KNOWN_MAX) known.delete(known.values().next().value!);
  known.add(digest);
}

/** RFC 7617: the first colon ends the name. */
function readCredentials(value: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  // crypt(3) reads a password up to its first NUL.
  if (colon < 0 || text.includes('\0')) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
