// Hot path: one lookup per request, by hashes of the path's elements.
import type { RequestHead } from '../wire/http1/request-head.ts';

/** The path a route is about; `any`: only the route itself can tell. */
export interface PathKey {
  readonly kind: 'exact' | 'prefix' | 'any';
  /** A prefix has no slash at its end; the root is empty. */
  readonly path: Uint8Array;
}

/** What the index asks of a route. */
export interface IndexedRoute {
  readonly pathKey: PathKey;
  matches(head: RequestHead, path: Uint8Array, start: number, end: number): boolean;
}

/** Up to so many routes are tried one after the other: cheaper than hashing. */
const SCAN_MAX = 8;
const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/**
 * Routes of one host, found without trying them all: exact paths and prefixes by hash of the path up
 * to each element, the others in order. Of all that match the one that comes first wins, as in a scan.
 */
export class RouteIndex<R extends IndexedRoute> {
  /** In matching order. */
  readonly routes: readonly R[];
  readonly #isSmall: boolean;
  /** Positions by hash, ascending. */
  readonly #exact: Map<number, number[]> = new Map();
  readonly #prefix: Map<number, number[]> = new Map();
  readonly #any: number[] = [];

  constructor(routes: readonly R[]) {
    this.routes = routes;
    this.#isSmall = routes.length <= SCAN_MAX;
    if (this.#isSmall) return;
    routes.forEach(({ pathKey: { kind, path } }, position) => {
      if (kind === 'any') this.#any.push(position);
      else {
        const map = kind === 'exact' ? this.#exact : this.#prefix;
        const hash = hashOf(path);
        const known = map.get(hash);
        if (known === undefined) map.set(hash, [position]);
        else known.push(position);
      }
    });
  }

  /** The first route that takes the request with path `path[start, end)`. */
  find(head: RequestHead, path: Uint8Array, start: number, end: number): R | undefined {
    const { routes } = this;
    if (this.#isSmall) {
      for (let i = 0; i < routes.length; i++) {
        const route = routes[i]!;
        if (route.matches(head, path, start, end)) return route;
      }
      return undefined;
    }
    let best = routes.length;
    let hash = FNV_OFFSET;
    for (let at = start; ; at++) {
      const isEnd = at === end;
      if (isEnd || path[at] === 47) {
        const found = this.#prefix.get(hash);
        if (found !== undefined) best = this.#firstOf(found, best, head, path, start, end);
      }
      if (isEnd) break;
      hash = Math.imul(hash ^ path[at]!, FNV_PRIME);
    }
    const exact = this.#exact.get(hash);
    if (exact !== undefined) best = this.#firstOf(exact, best, head, path, start, end);
    best = this.#firstOf(this.#any, best, head, path, start, end);
    return routes[best];
  }

  #firstOf(
    positions: readonly number[],
    before: number,
    head: RequestHead,
    path: Uint8Array,
    start: number,
    end: number,
  ): number {
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i]!;
      if (position >= before) return before;
      if (this.routes[position]!.matches(head, path, start, end)) return position;
    }
    return before;
  }
}

function hashOf(path: Uint8Array): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path[i]!, FNV_PRIME);
  return hash;
}
