import { hashText } from '@fairlead/balance';
import type { StickyCookie } from '../../routing/route-filters.ts';
import type { BackendRuntime } from '../backend-runtime.ts';
import type { CompiledRoute } from '../compiled-route.ts';
import type { EndpointLevels } from '../endpoint-levels.ts';
import type { EndpointRuntime } from '../endpoint-runtime.ts';
import { chooseBackend } from '../route-lookup.ts';
import type { SessionValue, Stickiness } from './stickiness.ts';

/** The session of one request: where it belongs, and what its client is told. */
export class StickySession {
  readonly #stickiness: Stickiness;
  readonly #given: SessionValue | undefined;
  readonly #isHttps: boolean;
  #backend: BackendRuntime | undefined = undefined;
  /** The session's hash, or what its client will be given. */
  #key: string;

  constructor(stickiness: Stickiness, given: SessionValue | undefined, isHttps: boolean) {
    this.#stickiness = stickiness;
    this.#given = given;
    this.#isHttps = isHttps;
    this.#key = given?.key ?? (stickiness.filter.mode === 'balanced' ? stickiness.newKey() : '');
  }

  /** The backend that the session began with, while the route sends anything there; else one by weight. */
  chooseBackend(route: CompiledRoute, random: () => number): BackendRuntime | undefined {
    const tag = this.#given?.backendTag;
    const stickiness = this.#stickiness;
    this.#backend =
      (tag === undefined ? undefined : route.backends.find((each) => stickiness.backendTag(each.key) === tag)) ??
      chooseBackend(route, random);
    return this.#backend;
  }

  /** The session's endpoint, if it may be used and is not `avoid`; undefined: any will do. */
  pick(levels: EndpointLevels, avoid: EndpointRuntime | undefined): EndpointRuntime | undefined {
    const key = this.#key;
    if (this.#stickiness.filter.mode === 'balanced') {
      const seed = hashText(key, 0);
      return levels.pickBest(avoid, (endpoint, weight) => rendezvousScore(seed, endpoint.label, weight));
    }
    if (key === '') return undefined;
    const backend = this.#backend!.key;
    return levels.pickWhere(avoid, (endpoint) => this.#stickiness.endpointTag(backend, endpoint.label) === key);
  }

  /** What the client is told with the answer of `endpoint`; undefined when it knows already. */
  answerField(endpoint: EndpointRuntime): readonly [name: string, value: string] | undefined {
    const { filter } = this.#stickiness;
    const backend = this.#backend!.key;
    const tag = this.#stickiness.backendTag(backend);
    const given = this.#given;
    if (filter.mode === 'persistent') this.#key = this.#stickiness.endpointTag(backend, endpoint.label);
    if (given !== undefined && given.backendTag === tag && given.key === this.#key) return undefined;
    if (given !== undefined && given.backendTag === tag && !filter.changeOnFailure && this.#isKnown(given)) {
      return undefined;
    }
    const value = `${tag}.${this.#key}`;
    return filter.by.type === 'header' ? [filter.by.name, value] : ['set-cookie', this.#cookie(filter.by, value)];
  }

  /** Whether the endpoint that the client named still exists, so that it may come back to it. */
  #isKnown(given: SessionValue): boolean {
    const backend = this.#backend!;
    return (
      backend.levels?.candidates.some(
        ({ runtime }) => this.#stickiness.endpointTag(backend.key, runtime.label) === given.key,
      ) === true
    );
  }

  #cookie(cookie: StickyCookie, value: string): string {
    const { name, path, maxAgeS, sameSite, secure, httpOnly } = cookie;
    const parts = [`${name}=${value}`, `Path=${path}`];
    if (maxAgeS !== 'session') parts.push(`Max-Age=${maxAgeS}`);
    if (secure === 'auto' ? this.#isHttps : secure === 'on') parts.push('Secure');
    if (httpOnly) parts.push('HttpOnly');
    if (sameSite !== 'off') parts.push(`SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`);
    return parts.join('; ');
  }
}

/**
 * Highest-random-weight hashing (Thaler, Ravishankar 1998), weighted by a logarithm: an endpoint gets its share by weight of all
 * sessions, and one more or less, or one with another weight, moves only its own.
 */
export function rendezvousScore(seed: number, label: string, weight: number): number {
  return -weight / Math.log((hashText(label, seed) + 0.5) / 2 ** 32);
}
