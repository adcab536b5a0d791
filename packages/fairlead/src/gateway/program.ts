import type { BackendMemory } from '@fairlead/balance';
import type { RoutePage } from '../routing/route-filters.ts';
import type { Route } from '../routing/route-table.ts';
import { BackendRuntime, type BackendSurroundings } from './backend-runtime.ts';
import { CompiledRoute } from './compiled-route.ts';
import type { EndpointRegistry } from './endpoint-runtime.ts';
import type { FilterServices } from './filters/filter-services.ts';
import { type KeySet, readKeySet } from './filters/jwt/key-set.ts';
import { makeFilters } from './filters/make-filters.ts';
import { type HostChange, isPatch, patchedRoutes, type WorkerDiff } from './host-changes.ts';
import { HostIndex } from './host-index.ts';
import { compileL4Route, L4Routes } from './l4/l4-routes.ts';
import { RouteIndex } from './route-index.ts';
import { ServerCertificates } from './server-certificates.ts';
import { OTHER_SLOT } from './traffic/traffic-memory.ts';
import { type SeriesSlots, seriesKey } from './traffic/traffic-series.ts';

/** Routes of one hostname, in matching order. Replaced as a whole; routes that stay are the same objects. */
export interface CompiledHost {
  readonly hostname: string;
  readonly routes: RouteIndex<CompiledRoute>;
  /** For requests that no route of any host takes. */
  readonly unmatched: CompiledRoute | undefined;
}

/**
 * What one worker runs. A diff touches only the hosts and backends it names; a request that has
 * found its route keeps it until it ends.
 */
export class GatewayProgram {
  readonly endpoints: EndpointRegistry;
  readonly certificates: ServerCertificates = new ServerCertificates();
  /** Circuit breakers of the backends, shared by all workers. */
  readonly memory: BackendMemory;
  readonly #around: BackendSurroundings;
  readonly #listeners: Map<string, HostIndex<CompiledHost>> = new Map();
  readonly #l4: Map<string, L4Routes> = new Map();
  readonly #backends: Map<string, BackendRuntime> = new Map();
  readonly #credentials: Map<string, ReadonlyMap<string, string>> = new Map();
  readonly #pages: Map<string, readonly RoutePage[]> = new Map();
  readonly #keySets: Map<string, KeySet> = new Map();
  /** Where requests are counted. */
  readonly #series: Map<string, number> = new Map();
  readonly #services: FilterServices;

  constructor(
    around: BackendSurroundings,
    services: Omit<FilterServices, 'credentials' | 'pages' | 'keySet' | 'backend'>,
  ) {
    this.#around = around;
    this.#services = {
      ...services,
      credentials: (key) => this.#credentials.get(key),
      pages: (key) => this.#pages.get(key),
      keySet: (key) => this.#keySets.get(key),
      backend: (key) => this.#backend(key),
    };
    this.endpoints = around.endpoints;
    this.memory = around.backends;
  }

  /** Hosts of a listener. The same object for the listener's whole life. */
  hostsOf(listener: string): HostIndex<CompiledHost> {
    let hosts = this.#listeners.get(listener);
    if (hosts === undefined) {
      hosts = new HostIndex();
      this.#listeners.set(listener, hosts);
    }
    return hosts;
  }

  /** Relayed routes of a listener. The same object for the listener's whole life. */
  l4RoutesOf(listener: string): L4Routes {
    let routes = this.#l4.get(listener);
    if (routes === undefined) {
      routes = new L4Routes();
      this.#l4.set(listener, routes);
    }
    return routes;
  }

  /** The zone of this gateway is another one. */
  noteZone(): void {
    for (const backend of this.#backends.values()) backend.levels?.refresh();
  }

  /** Learns where requests of routes to come are counted. */
  noteSeries(slots: SeriesSlots): void {
    for (const [key, slot] of slots) this.#series.set(key, slot);
  }

  /** Installs a difference: backends first, so that a new route finds its endpoints. */
  apply(diff: WorkerDiff): void {
    // Compiling may refuse a route (a broken regular expression) or a certificate: nothing is installed then.
    const certificates = this.certificates.compile(diff.certificates);
    const compiled = diff.hosts.map(([, host]) => (host === undefined ? undefined : this.#compileHost(host)));
    for (const [key, backend] of diff.backends) {
      if (backend !== undefined) this.#backend(key).update(backend);
    }
    this.certificates.install(certificates);
    for (const [key, credentials] of diff.credentials ?? []) {
      if (credentials === undefined) this.#credentials.delete(key);
      else this.#credentials.set(key, new Map(credentials.users));
      if (credentials?.jwks === undefined) this.#keySets.delete(key);
      else this.#keySets.set(key, readKeySet(credentials.jwks));
    }
    for (const [key, pages] of diff.pages ?? []) {
      if (pages === undefined) this.#pages.delete(key);
      else this.#pages.set(key, pages.pages);
    }
    for (const [index, [key, host]] of diff.hosts.entries()) {
      const bar = key.indexOf('|');
      const listener = host?.listener ?? key.slice(0, bar);
      const hostname = host?.hostname ?? key.slice(bar + 1);
      this.hostsOf(listener).set(hostname, compiled[index]);
    }
    for (const [key, route] of diff.l4 ?? []) {
      const bar = key.indexOf('|');
      const compiled = route === undefined ? undefined : compileL4Route(route, (backend) => this.#backend(backend));
      this.l4RoutesOf(key.slice(0, bar)).set(key.slice(bar + 1), compiled);
    }
    for (const [key, backend] of diff.backends) {
      if (backend === undefined) this.#backends.get(key)?.update(undefined);
    }
  }

  #backend(key: string): BackendRuntime {
    let backend = this.#backends.get(key);
    if (backend === undefined) {
      backend = new BackendRuntime(key, this.#around);
      this.#backends.set(key, backend);
    }
    return backend;
  }

  /** @throws for a route that cannot be compiled, and for a patch of a host that is not there. */
  #compileHost(host: HostChange): CompiledHost {
    const { hostname, unmatched } = host;
    const compile = (route: Route): CompiledRoute =>
      new CompiledRoute(
        route,
        (key) => this.#backend(key),
        makeFilters(route.filters, this.#services),
        (backend) => this.#series.get(seriesKey(route.source, backend)) ?? OTHER_SLOT,
      );
    const before = isPatch(host) ? this.hostsOf(host.listener).get(hostname) : undefined;
    const routes = isPatch(host) ? patchedRoutes(before?.routes.routes ?? [], host, compile) : host.routes.map(compile);
    return {
      hostname,
      routes: new RouteIndex(routes),
      unmatched: unmatched === undefined ? undefined : unmatched === 'same' ? before?.unmatched : compile(unmatched),
    };
  }
}
