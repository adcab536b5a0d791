import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestHead } from '../wire/http1/request-head.ts';
import { type IndexedRoute, type PathKey, RouteIndex } from './route-index.ts';

const head = new RequestHead();

/** A route that counts how often it is asked. */
class FakeRoute implements IndexedRoute {
  readonly pathKey: PathKey;
  readonly #text: string;
  readonly #accepts: boolean;
  static asked: number = 0;

  constructor(kind: PathKey['kind'], text: string, accepts: boolean = true) {
    this.pathKey = { kind, path: Buffer.from(text) };
    this.#text = text;
    this.#accepts = accepts;
  }

  matches(_head: RequestHead, bytes: Uint8Array, start: number, end: number): boolean {
    FakeRoute.asked++;
    const path = Buffer.from(bytes.subarray(start, end)).toString();
    if (!this.#accepts) return false;
    switch (this.pathKey.kind) {
      case 'exact':
        return path === this.#text;
      case 'prefix':
        return path === this.#text || path.startsWith(`${this.#text}/`);
      case 'any':
        return path.endsWith(this.#text);
    }
  }
}

test('the index finds what a scan finds', () => {
  const elements = fc.array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 4 });
  const path = elements.map((list) => `/${list.join('/')}`);
  const route = fc
    .tuple(fc.constantFrom('exact', 'prefix', 'any'), path, fc.boolean())
    .map(([kind, text, accepts]) => new FakeRoute(kind, kind === 'prefix' ? text.replace(/\/+$/, '') : text, accepts));
  fc.assert(
    fc.property(fc.array(route, { maxLength: 40 }), path, (routes, asked) => {
      const bytes = Buffer.from(`xx${asked}?q`);
      const [start, end] = [2, bytes.length - 2];
      const scanned = routes.find((each) => each.matches(head, bytes, start, end));
      assert.equal(new RouteIndex(routes).find(head, bytes, start, end), scanned);
    }),
    { numRuns: 1000 },
  );
});

test('of 5,000 routes only those of the path are asked', () => {
  const routes = Array.from({ length: 5000 }, (_, index) => new FakeRoute('prefix', `/service-${index}`));
  const index = new RouteIndex([...routes, new FakeRoute('prefix', '')]);
  const path = Buffer.from('/service-4321/items/7');
  FakeRoute.asked = 0;
  assert.equal(index.find(head, path, 0, path.length), routes[4321]);
  assert.ok(FakeRoute.asked <= 2, `${FakeRoute.asked} asked`);
});
