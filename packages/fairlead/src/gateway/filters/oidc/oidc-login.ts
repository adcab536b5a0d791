import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { OidcFilter } from '../../../routing/route-filters.ts';
import { errorBody } from '../../local-response.ts';
import { cookieValue } from '../../request-hash.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, Verdict } from '../filter.ts';
import type { FilterRun } from '../filter-run.ts';
import type { FilterServices } from '../filter-services.ts';
import { type OidcSession, type PendingLogin, sessionOf } from './oidc-session.ts';
import { hideCookies, setCookie } from './own-cookies.ts';
import { type GrantResult, Provider } from './provider.ts';
import { Renewals } from './renewals.ts';
import { SealedBox } from './sealed-box.ts';

/** Who has not logged in by then begins anew. */
const LOGIN_MAX_S = 600;
/** Browsers keep cookies of 4,096 bytes, name and attributes included. */
const COOKIE_MAX = 3_800;
/** Longer ones are forgotten over a login. */
const TARGET_MAX = 1_500;
const ACCEPT = Buffer.from('accept');
const FETCH_MODE = Buffer.from('sec-fetch-mode');
const REQUESTED_WITH = Buffer.from('x-requested-with');

const UNAVAILABLE = refusal(503, 'logging in is not possible now');

/** What is in the Secret. */
interface Secrets {
  readonly clientSecret: string;
  readonly box: SealedBox;
}

/**
 * Lets pass who is logged in at an OpenID provider; browsers of others are sent there, programs get 401. Whatever is wrong or
 * cannot be asked keeps everybody out. Headers made of claims are taken away from clients, and the cookies from endpoints.
 */
export class OidcLogin implements CompiledFilter {
  readonly #filter: OidcFilter;
  readonly #services: FilterServices;
  readonly #provider: Provider;
  readonly #renewals: Renewals;
  readonly #headers: readonly Buffer[];
  #known: { readonly users: ReadonlyMap<string, string>; readonly secrets: Secrets } | undefined = undefined;

  constructor(filter: OidcFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    this.#provider = new Provider(filter, services);
    this.#renewals = new Renewals(services);
    this.#headers = filter.claimHeaders.map(([, name]) => Buffer.from(name));
  }

  onRequest(run: FilterRun): Verdict {
    for (const name of this.#headers) run.requestChange.dropAlike(name);
    const secrets = this.#secrets();
    const { cookie, callbackPath, logoutPath } = this.#filter;
    if (secrets === undefined || !hideCookies(run, cookie)) return UNAVAILABLE;
    if (run.path === logoutPath) return this.#logout(run);
    if (run.path === callbackPath) return this.#callback(run, secrets);
    const session = secrets.box.open('session', cookieValue(run.head, cookie) ?? '') as OidcSession | undefined;
    const nowS = this.#nowS();
    if (session === undefined || nowS >= session.endS) return this.#login(run, secrets);
    if (nowS < session.freshUntilS) return pass(run, session);
    return session.refreshToken === undefined
      ? this.#login(run, secrets)
      : this.#renew(run, secrets, session, session.refreshToken);
  }

  #nowS(): number {
    return this.#services.clock.now() / 1000;
  }

  #secrets(): Secrets | undefined {
    const { credentials, issuer, clientId } = this.#filter;
    const users = this.#services.credentials(credentials);
    if (users === undefined) return undefined;
    if (this.#known?.users !== users) {
      const clientSecret = users.get('client-secret');
      const keys = users
        .get('cookie-key')
        ?.split('\n')
        .map((line) => line.trim());
      if (clientSecret === undefined || keys === undefined) return undefined;
      const box = new SealedBox(keys, `fairlead oidc ${JSON.stringify([issuer, clientId])}`);
      this.#known = { users, secrets: { clientSecret, box } };
    }
    return this.#known.secrets;
  }

  /** Sends a browser to the provider, with a login of its own: several tabs do not disturb each other. */
  #login(run: FilterRun, { box }: Secrets): FilterAnswer {
    if (!isNavigation(run)) return refusal(401);
    const { authorizationUrl, clientId, scopes } = this.#filter;
    const [state, nonce, verifier] = [chance(16), chance(16), chance(32)];
    const target = run.target.length > TARGET_MAX ? '/' : run.target;
    const login: PendingLogin = { state, nonce, verifier, target, endS: this.#nowS() + LOGIN_MAX_S };
    const question = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: this.#redirectUri(run),
      scope: scopes.join(' '),
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    return redirect(`${authorizationUrl}${authorizationUrl.includes('?') ? '&' : '?'}${question}`, [
      this.#loginCookie(run, state, box.seal('login', login)),
    ]);
  }

  #redirectUri(run: FilterRun): string {
    return `${run.scheme}://${run.host}${this.#filter.callbackPath}`;
  }

  #loginName(state: string): string {
    return `${this.#filter.cookie}-${state.slice(0, 8)}`;
  }

  #loginCookie(run: FilterRun, state: string, value: string): readonly [string, string] {
    const maxAgeS = value === '' ? 0 : LOGIN_MAX_S;
    const path = this.#filter.callbackPath;
    return setCookie({ name: this.#loginName(state), value, path, maxAgeS, isSecure: run.scheme === 'https' });
  }

  #sessionCookie(isSecure: boolean, value: string, maxAgeS: number): readonly [string, string] {
    return setCookie({ name: this.#filter.cookie, value, path: '/', maxAgeS, isSecure });
  }

  /** The browser comes back (RFC 6749 4.1.2; RFC 9207: who sent it says so). */
  #callback(run: FilterRun, secrets: Secrets): Verdict {
    const query = new URLSearchParams(run.query);
    const [state, code] = [query.get('state') ?? '', query.get('code') ?? ''];
    const sealed = /^[-\w]{22}$/.test(state) ? (cookieValue(run.head, this.#loginName(state)) ?? '') : '';
    const login = secrets.box.open('login', sealed) as PendingLogin | undefined;
    if (login === undefined || !isSame(login.state, state) || this.#nowS() >= login.endS) {
      return refusal(400, 'this login has ended, or began elsewhere; go back to where you came from');
    }
    const end = this.#loginCookie(run, state, '');
    if (query.get('iss') !== null && query.get('iss') !== this.#filter.issuer) return refusal(400, undefined, [end]);
    if (query.get('error') !== null || code === '') return refusal(401, 'the provider did not let you in', [end]);
    const isSecure = run.scheme === 'https';
    const origin = `${run.scheme}://${run.host}`;
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.#redirectUri(run),
      code_verifier: login.verifier,
    };
    return {
      begin: (done) =>
        this.#provider.redeem(form, secrets.clientSecret, { nonce: login.nonce }, run.requester, (result) => {
          const told = result.ok ? this.#told(result, secrets, isSecure) : undefined;
          if (told !== undefined) done(redirect(`${origin}${login.target}`, [told.cookie, end]));
          else done(!result.ok && result.reason === 'refused' ? refusal(401, undefined, [end]) : UNAVAILABLE);
        }),
    };
  }

  /** The session of a grant, and its cookie; undefined: it is too long for one. */
  #told(
    { grant }: Extract<GrantResult, { ok: true }>,
    { box }: Secrets,
    isSecure: boolean,
    before?: OidcSession,
  ): { readonly session: OidcSession; readonly cookie: readonly [string, string] } | undefined {
    const whole = sessionOf(grant, this.#filter, this.#nowS(), before);
    const { refreshToken: _, ...plain } = whole;
    // Without its refresh token it ends earlier, and the browser asks the provider again.
    for (const session of [whole, plain]) {
      const sealed = box.seal('session', session);
      if (sealed.length > COOKIE_MAX) continue;
      const maxAgeS = Math.max(1, Math.ceil(session.endS - this.#nowS()));
      return { session, cookie: this.#sessionCookie(isSecure, sealed, maxAgeS) };
    }
    return undefined;
  }

  #renew(run: FilterRun, secrets: Secrets, session: OidcSession, refreshToken: string): Verdict {
    const isSecure = run.scheme === 'https';
    // The head is not at hand any more when the answer comes.
    const login = this.#login(run, secrets);
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
    const { requester } = run;
    const verdict = (result: GrantResult): FinalVerdict => {
      if (!result.ok) return result.reason === 'refused' ? login : UNAVAILABLE;
      const told = this.#told(result, secrets, isSecure, session);
      if (told === undefined) return login;
      run.responseChange.add(...told.cookie);
      return pass(run, told.session);
    };
    return {
      begin: (done) => {
        const begun = this.#renewals.renew(
          refreshToken,
          (answered) =>
            this.#provider.redeem(form, secrets.clientSecret, { subject: session.subject }, requester, answered),
          (result) => done(verdict(result)),
        );
        if (begun === undefined) return UNAVAILABLE;
        return typeof begun === 'function' ? begun : verdict(begun);
      },
    };
  }

  #logout(run: FilterRun): FilterAnswer {
    const ended = this.#sessionCookie(run.scheme === 'https', '', 0);
    return redirect(this.#filter.endSessionUrl ?? `${run.scheme}://${run.host}/`, [ended]);
  }
}

/** Lets a request pass as who the session says; a header that does not fit would make somebody else of it. */
function pass(run: FilterRun, { headers }: OidcSession): FinalVerdict {
  return headers.every(([name, value]) => run.requestChange.add(name, value)) ? 'pass' : UNAVAILABLE;
}

/** Whether a person waits for a page: scripts could not follow to another origin (Fetch Metadata). */
function isNavigation(run: FilterRun): boolean {
  if (run.method !== 'GET' && run.method !== 'HEAD') return false;
  const mode = run.header(FETCH_MODE);
  if (mode !== undefined) return mode === 'navigate';
  return run.header(REQUESTED_WITH) === undefined && /text\/html|\*\/\*/.test(run.header(ACCEPT) ?? '*/*');
}

function redirect(location: string, cookies: FilterAnswer['fields']): FilterAnswer {
  return {
    status: 302,
    body: '',
    reason: 'unauthenticated',
    fields: [['location', location], ['cache-control', 'no-store'], ...cookies],
  };
}

function refusal(status: number, detail?: string, fields: FilterAnswer['fields'] = []): FilterAnswer {
  return {
    status,
    body: errorBody(status, detail),
    reason: status === 503 ? 'auth-failed' : 'unauthenticated',
    fields: [['cache-control', 'no-store'], ...fields],
  };
}

function chance(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function isSame(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
