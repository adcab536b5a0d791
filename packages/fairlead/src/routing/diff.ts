import { deepEqual } from '@fairlead/client';
import type { RouteTable, RouteTableDiff } from './route-table.ts';

/** A table with nothing in it: what a new worker runs before its first diff. */
export const emptyRouteTable: RouteTable = {
  listeners: new Map(),
  hosts: new Map(),
  backends: new Map(),
  certificates: new Map(),
};

/** True when nothing is to be told to a worker. */
export function isEmptyDiff(diff: RouteTableDiff): boolean {
  const { listeners, hosts, backends, certificates, l4 = [], credentials = [], pages = [] } = diff;
  return [listeners, hosts, backends, certificates, l4, credentials, pages].every((changes) => changes.length === 0);
}

/** What turns `from` into `to`. Walks both tables: for resyncs and tests, not for each change. */
export function diffRouteTables(from: RouteTable, to: RouteTable): RouteTableDiff {
  const l4 = diffMaps(from.l4 ?? new Map(), to.l4 ?? new Map());
  const credentials = diffMaps(from.credentials ?? new Map(), to.credentials ?? new Map());
  const pages = diffMaps(from.pages ?? new Map(), to.pages ?? new Map());
  return {
    listeners: diffMaps(from.listeners, to.listeners),
    hosts: diffMaps(from.hosts, to.hosts),
    backends: diffMaps(from.backends, to.backends),
    certificates: diffMaps(from.certificates, to.certificates),
    ...(l4.length === 0 ? {} : { l4 }),
    ...(credentials.length === 0 ? {} : { credentials }),
    ...(pages.length === 0 ? {} : { pages }),
  };
}

/** A new table with the difference applied; `table` stays as it is. */
export function applyRouteTableDiff(table: RouteTable, diff: RouteTableDiff): RouteTable {
  return {
    listeners: patchMap(table.listeners, diff.listeners),
    hosts: patchMap(table.hosts, diff.hosts),
    backends: patchMap(table.backends, diff.backends),
    certificates: patchMap(table.certificates, diff.certificates),
    l4: patchMap(table.l4 ?? new Map(), diff.l4 ?? []),
    credentials: patchMap(table.credentials ?? new Map(), diff.credentials ?? []),
    pages: patchMap(table.pages ?? new Map(), diff.pages ?? []),
  };
}

function diffMaps<V>(from: ReadonlyMap<string, V>, to: ReadonlyMap<string, V>): [string, V | undefined][] {
  const changes: [string, V | undefined][] = [];
  for (const [key, value] of to) if (!deepEqual(from.get(key), value)) changes.push([key, value]);
  for (const key of from.keys()) if (!to.has(key)) changes.push([key, undefined]);
  return changes;
}

function patchMap<V>(
  map: ReadonlyMap<string, V>,
  changes: readonly (readonly [string, V | undefined])[],
): Map<string, V> {
  const patched = new Map(map);
  for (const [key, value] of changes) {
    if (value === undefined) patched.delete(key);
    else patched.set(key, value);
  }
  return patched;
}

/**
 * Keys whose present value has not been acknowledged. When applying fails nothing is known about
 * what is installed, so the keys stay and go out again, with their newest values, in the next diff.
 */
export class PendingDiff {
  readonly #listeners = new Set<string>();
  readonly #hosts = new Set<string>();
  readonly #backends = new Set<string>();
  readonly #certificates = new Set<string>();
  readonly #l4 = new Set<string>();
  readonly #credentials = new Set<string>();
  readonly #pages = new Set<string>();

  add(diff: RouteTableDiff): void {
    for (const [key] of diff.listeners) this.#listeners.add(key);
    for (const [key] of diff.hosts) this.#hosts.add(key);
    for (const [key] of diff.backends) this.#backends.add(key);
    for (const [key] of diff.certificates) this.#certificates.add(key);
    for (const [key] of diff.l4 ?? []) this.#l4.add(key);
    for (const [key] of diff.credentials ?? []) this.#credentials.add(key);
    for (const [key] of diff.pages ?? []) this.#pages.add(key);
  }

  /** The pending keys with their values in `table`. */
  toDiff(table: RouteTable): RouteTableDiff {
    return {
      listeners: [...this.#listeners].map((key) => [key, table.listeners.get(key)] as const),
      hosts: [...this.#hosts].map((key) => [key, table.hosts.get(key)] as const),
      backends: [...this.#backends].map((key) => [key, table.backends.get(key)] as const),
      certificates: [...this.#certificates].map((key) => [key, table.certificates.get(key)] as const),
      ...(this.#l4.size === 0 ? {} : { l4: [...this.#l4].map((key) => [key, table.l4?.get(key)] as const) }),
      ...(this.#credentials.size === 0
        ? {}
        : { credentials: [...this.#credentials].map((key) => [key, table.credentials?.get(key)] as const) }),
      ...(this.#pages.size === 0
        ? {}
        : { pages: [...this.#pages].map((key) => [key, table.pages?.get(key)] as const) }),
    };
  }

  clear(): void {
    this.#listeners.clear();
    this.#hosts.clear();
    this.#backends.clear();
    this.#certificates.clear();
    this.#l4.clear();
    this.#credentials.clear();
    this.#pages.clear();
  }
}
