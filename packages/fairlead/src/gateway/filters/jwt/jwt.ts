import { createHmac, randomBytes } from 'node:crypto';
import type { JwtFilter } from '../../../routing/route-filters.ts';
import { errorBody } from '../../local-response.ts';
import {
  type CompiledFilter,
  type FilterAnswer,
  type FinalVerdict,
  isPending,
  type PendingVerdict,
  type Verdict,
} from '../filter.ts';
import type { FilterRun } from '../filter-run.ts';
import type { FilterServices } from '../filter-services.ts';
import { isFieldValue } from '../head-change.ts';
import { findToken } from '../request-values.ts';
import { findKeys, type KeySet, readKeySet, type VerificationKey } from './key-set.ts';
import { DEAR_ALGORITHMS, isSigned } from './signature.ts';
import { type Claims, checkClaims, claimText, type ParsedToken, parseToken } from './token.ts';

const UNAVAILABLE: FilterAnswer = {
  status: 503,
  body: errorBody(503, 'the keys of tokens are not known'),
  reason: 'auth-failed',
  fields: [],
};
/** RFC 6750 3.1: who showed nothing is told nothing. */
const MISSING: FilterAnswer = refusal('Bearer');
const INVALID: FilterAnswer = refusal('Bearer error="invalid_token"');

function refusal(challenge: string): FilterAnswer {
  return {
    status: 401,
    body: errorBody(401),
    reason: 'unauthenticated',
    fields: [['www-authenticate', challenge]],
  };
}

/** Keys tried for a token that names none. */
const TRIES_MAX = 8;
/** Good tokens remembered by one worker, of all routes. */
const KNOWN_MAX = 8192;

const known = new Map<string, Claims>();
const secret = randomBytes(32);

/** Asks for a signed token. Headers made of its claims are taken away from clients. */
export class Jwt implements CompiledFilter {
  readonly #filter: JwtFilter;
  readonly #services: FilterServices;
  readonly #settings: string;
  readonly #inline: KeySet | undefined;
  readonly #headers: readonly (readonly [claim: string, name: string, bytes: Buffer])[];

  constructor(filter: JwtFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    this.#settings = JSON.stringify(filter);
    this.#inline = filter.keys.type === 'inline' ? readKeySet(filter.keys.jwks) : undefined;
    this.#headers = filter.claimHeaders.map(([claim, name]) => [claim, name, Buffer.from(name)]);
  }

  onRequest(run: FilterRun): Verdict {
    for (const [, , bytes] of this.#headers) run.requestChange.dropAlike(bytes);
    const keys = this.#keys();
    if (keys === undefined) return UNAVAILABLE;
    const text = findToken(run, this.#filter.from);
    if (text === undefined) return MISSING;
    const digest = this.#digest(keys, text);
    const claims = known.get(digest);
    if (claims !== undefined) return this.#pass(run, claims);
    const token = parseToken(text, this.#filter.algorithms);
    if (typeof token === 'string') return INVALID;
    // Who cannot get in anyway costs no signature.
    if (checkClaims(token.claims, this.#filter, this.#nowS()) !== undefined) return INVALID;
    const found = findKeys(keys, token.algorithm, token.keyId);
    if (found.length > 0 || this.#filter.keys.type !== 'url') return this.#verify(run, token, found, digest);
    return this.#askForKeys(this.#filter.keys.url, run, token, text);
  }

  #keys(): KeySet | undefined {
    const { keys } = this.#filter;
    switch (keys.type) {
      case 'inline':
        return this.#inline;
      case 'object':
        return this.#services.keySet(keys.credentials);
      case 'url':
        return this.#services.fetchedKeys.get(keys.url);
    }
  }

  /** Another set of keys, or other rules, know nothing of what was good before. */
  #digest(keys: KeySet, text: string): string {
    return createHmac('sha256', secret).update(`${this.#settings}\n${keys.digest}\n${text}`).digest('base64');
  }

  #nowS(): number {
    return this.#services.clock.now() / 1000;
  }

  /** An unknown key may be a new one: they are fetched again, but not for every token that says so. */
  #askForKeys(url: string, run: FilterRun, token: ParsedToken, text: string): PendingVerdict {
    return {
      begin: (done) => {
        let giveUp: (() => void) | undefined;
        const refresh = this.#services.fetchedKeys.refresh(url, () => {
          const keys = this.#keys();
          const found = keys === undefined ? [] : findKeys(keys, token.algorithm, token.keyId);
          if (keys === undefined || found.length === 0) return done(INVALID);
          const verdict = this.#verify(run, token, found, this.#digest(keys, text));
          if (!isPending(verdict)) return done(verdict);
          const begun = verdict.begin(done);
          if (typeof begun === 'function') giveUp = begun;
          else done(begun);
        });
        return refresh === undefined ? INVALID : () => (giveUp ?? refresh)();
      },
    };
  }

  #verify(run: FilterRun, token: ParsedToken, keys: readonly VerificationKey[], digest: string): Verdict {
    const { algorithm, signed: data, signature } = token;
    const tried = keys.slice(0, TRIES_MAX);
    if (!DEAR_ALGORITHMS.has(algorithm)) {
      const isGood = tried.some(({ key }) => isSigned({ algorithm, key, data, signature }));
      return isGood ? this.#accept(run, token, digest) : INVALID;
    }
    const { verifySignature } = this.#services;
    return {
      begin: (done) => {
        let cancel: (() => void) | undefined;
        const next = (index: number): (() => void) | undefined => {
          cancel = verifySignature({ algorithm, key: tried[index]!.key, data, signature }, (isGood) => {
            if (isGood) done(this.#accept(run, token, digest));
            else if (index + 1 >= tried.length) done(INVALID);
            else if (next(index + 1) === undefined) done(UNAVAILABLE);
          });
          return cancel;
        };
        if (tried.length === 0) return INVALID;
        return next(0) === undefined ? UNAVAILABLE : () => cancel?.();
      },
    };
  }

  #accept(run: FilterRun, { claims }: ParsedToken, digest: string): FinalVerdict {
    if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
    known.set(digest, claims);
    return this.#pass(run, claims);
  }

  /** Lets a request pass as who the token says; a claim that no header can carry is left out. */
  #pass(run: FilterRun, claims: Claims): FinalVerdict {
    if (checkClaims(claims, this.#filter, this.#nowS()) !== undefined) return INVALID;
    for (const [claim, name] of this.#headers) {
      const value = claimText(claims, claim);
      if (value === undefined || !isFieldValue(value)) continue;
      if (!run.requestChange.add(name, value)) return UNAVAILABLE;
    }
    return 'pass';
  }
}
