import {
  type ConfigMap,
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  objectKey,
  type Service,
  type Stored,
} from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { Collection } from '../collections/collection.ts';
import { BackendObjectTable } from './backend-objects.ts';
import { CertificateTable } from './certificate-table.ts';
import { compileBackend, type FailoverService } from './compile-backends.ts';
import { type BackendRef, compileIngress, type IngressProblem, type IngressRules } from './compile-ingress.ts';
import { CredentialTable } from './credential-table.ts';
import { type NameSource, noNames } from './external-names.ts';
import { type ClassSelection, isOurIngress, selectClasses } from './ingress-class.ts';
import { KeyIndex } from './key-index.ts';
import { L4RouteTable, listenerBackends } from './l4-route-table.ts';
import { routesOfListener } from './listener-routes.ts';
import { mergeHost, type RouteConflict } from './merge-host.ts';
import { PageTable } from './page-table.ts';
import type {
  BackendKey,
  L4Route,
  RouteBackend,
  RouteListener,
  RouteTable,
  RouteTableDiff,
  VirtualHost,
} from './route-table.ts';
import { type NamedObjects, noObjects, type SecretSource } from './secret-source.ts';

/** What routing needs of a collection; an informer is one too. */
export type RoutingSource<T> = Pick<Collection<Stored<T>>, 'get' | 'values' | 'subscribe' | 'synced'>;

/** The objects that routing reads. */
export interface RoutingSources {
  readonly ingresses: RoutingSource<Ingress>;
  readonly ingressClasses: RoutingSource<IngressClass>;
  readonly services: RoutingSource<Service>;
  readonly endpointSlices: RoutingSource<EndpointSlice>;
  /** Absent: no certificates are compiled, for who only asks about routes. */
  readonly secrets?: SecretSource;
  /** Absent: there are none. */
  readonly configMaps?: NamedObjects<ConfigMap>;
  /** Absent: Services of type ExternalName have no addresses. */
  readonly names?: NameSource;
}

/** What a flush changed. */
export interface RoutingUpdate {
  readonly diff: RouteTableDiff;
  /** Ingresses whose acceptance or problems may have changed: `namespace/name`. */
  readonly ingresses: ReadonlySet<string>;
}

/**
 * Keeps a {@link RouteTable} in step with the API. A change marks what depends on it; `flush`
 * recompiles only that, and stops where the result is equal:
 *
 *     Ingress change       → its rules → the hostnames it had or has → VirtualHost
 *     Service, slice change → the backends of that Service           → RouteBackend, problems
 *     Secret change        → the certificates made of it              → RouteCertificate, problems
 *     Secret change        → the users read from it               → RouteCredentials, problems
 *     ConfigMap change     → the error pages read from it         → RoutePages, problems
 *     IngressClass change  → every Ingress (rare)
 *
 * No clock and no I/O: the owner decides when to flush.
 */
export class RouteTableBuilder {
  readonly #sources: RoutingSources;
  readonly #className: string;
  readonly #unsubscribe: (() => void)[];

  readonly #listeners = new Map<string, RouteListener>();
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #backends = new Map<BackendKey, RouteBackend>();

  readonly #l4: L4RouteTable;
  #l4Changes: [string, L4Route | undefined][] = [];

  readonly #rules = new Map<string, IngressRules>();
  readonly #ingressesOfHost = new KeyIndex();
  readonly #ingressesOfBackend = new KeyIndex();
  readonly #backendsOfService = new KeyIndex();
  readonly #slicesOfService = new KeyIndex();
  readonly #objects: BackendObjectTable;
  readonly #names: NameSource;
  /** Name that a backend's Service stands for. */
  readonly #nameOfBackend = new Map<BackendKey, string>();
  /** Services that stand in for a backend's own. */
  readonly #standInsOf = new Map<BackendKey, ReadonlySet<string>>();
  readonly #refs = new Map<BackendKey, BackendRef>();
  readonly #backendProblems = new Map<BackendKey, readonly Omit<IngressProblem, 'field'>[]>();
  readonly #conflicts = new Map<string, readonly RouteConflict[]>();

  #classes: ClassSelection;
  #classesChanged = false;
  #listenersSent = false;
  readonly #dirtyIngresses = new Set<string>();
  readonly #dirtyHosts = new Set<string>();
  readonly #dirtyBackends = new Set<BackendKey>();
  readonly #dirtyStatus = new Set<string>();
  readonly #certificates: CertificateTable;
  readonly #credentials: CredentialTable;
  readonly #pages: PageTable;

  /** `onDirty` tells that a flush would find work; it is called from collection listeners. */
  constructor(sources: RoutingSources, listeners: readonly RouteListener[], className: string, onDirty: () => void) {
    this.#sources = sources;
    this.#className = className;
    this.#classes = selectClasses([], className);
    for (const listener of listeners) this.#listeners.set(listener.name, listener);
    this.#l4 = new L4RouteTable(listeners);
    for (const listener of listeners) {
      for (const { ref } of listenerBackends(listener)) this.#addRef(`listener ${listener.name}`, ref);
    }
    const secrets = sources.secrets ?? noObjects;
    this.#names = sources.names ?? noNames;
    this.#certificates = new CertificateTable(secrets, onDirty, (ingress) => this.#dirtyStatus.add(ingress));
    const configMaps = sources.configMaps ?? noObjects;
    const onStatus = (ingress: string): void => void this.#dirtyStatus.add(ingress);
    this.#credentials = new CredentialTable({ secrets, configMaps }, onDirty, onStatus);
    this.#pages = new PageTable({ secrets, configMaps }, onDirty, onStatus);
    this.#objects = new BackendObjectTable(secrets, configMaps, (backends) => {
      for (const backend of backends) this.#dirtyBackends.add(backend);
      if (this.#dirtyBackends.size > 0) onDirty();
    });
    this.#unsubscribe = [
      sources.ingressClasses.subscribe(() => {
        this.#classesChanged = true;
        onDirty();
      }),
      this.#names.subscribe((name) => {
        for (const [backend, each] of this.#nameOfBackend) if (each === name) this.#dirtyBackends.add(backend);
        if (this.#dirtyBackends.size > 0) onDirty();
      }),
      sources.ingresses.subscribe((changes) => {
        for (const change of changes) this.#dirtyIngresses.add(change.key);
        onDirty();
      }),
      sources.services.subscribe((changes) => {
        for (const change of changes) this.#markService(change.key);
        if (this.#dirtyBackends.size > 0) onDirty();
      }),
      sources.endpointSlices.subscribe((changes) => {
        for (const change of changes) this.#indexSlice(change.key, change.old, change.new);
        if (this.#dirtyBackends.size > 0) onDirty();
      }),
    ];
  }

  /** A live view of the table as of the last flush. */
  get table(): RouteTable {
    return {
      listeners: this.#listeners,
      hosts: this.#hosts,
      backends: this.#backends,
      certificates: this.#certificates.certificates,
      l4: this.#l4.routes,
      credentials: this.#credentials.values,
      pages: this.#pages.values,
    };
  }

  /** Whether the Ingress is ours, as of the last flush. */
  isAccepted(ingress: string): boolean {
    return this.#rules.has(ingress);
  }

  /** All problems of an Ingress of ours, as of the last flush. */
  problemsOf(ingress: string): readonly IngressProblem[] {
    const rules = this.#rules.get(ingress);
    if (rules === undefined) return [];
    const problems = [...rules.problems];
    for (const ref of rules.backends) {
      for (const problem of this.#backendProblems.get(ref.key) ?? []) problems.push({ field: ref.field, ...problem });
    }
    for (const hostname of rules.hosts.keys()) {
      for (const conflict of this.#conflicts.get(hostname) ?? []) {
        if (conflict.ingress !== ingress) continue;
        const owner =
          conflict.winner === ingress ? 'an earlier rule of this Ingress' : `the older Ingress ${conflict.winner}`;
        const message = `host ${hostname} already has this path, from ${owner}; this rule gets no requests`;
        problems.push({ field: conflict.field, reason: 'RouteConflict', message });
      }
    }
    const tables = [this.#certificates, this.#credentials, this.#pages];
    return [...problems, ...tables.flatMap((table) => table.problemsOf(ingress))];
  }

  /** Recompiles what changed. The first flush also carries the listeners. */
  flush(): RoutingUpdate {
    if (this.#classesChanged) this.#selectClasses();
    for (const key of this.#dirtyIngresses) this.#compileIngress(key);
    this.#dirtyIngresses.clear();
    const backends = this.#flushBackends();
    const hosts = this.#flushHosts();
    const certificates = this.#certificates.flush();
    const credentials = this.#credentials.flush();
    const pages = this.#pages.flush();
    const listeners = this.#listenersSent ? [] : [...this.#listeners];
    const l4 = this.#listenersSent ? this.#l4Changes : [...this.#l4.routes];
    this.#l4Changes = [];
    this.#listenersSent = true;
    const ingresses = new Set(this.#dirtyStatus);
    this.#dirtyStatus.clear();
    const diff = {
      listeners,
      hosts,
      backends,
      certificates,
      ...(l4.length === 0 ? {} : { l4 }),
      ...(credentials.length === 0 ? {} : { credentials }),
      ...(pages.length === 0 ? {} : { pages }),
    };
    return { diff, ingresses };
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#certificates.stop();
    this.#credentials.stop();
    this.#pages.stop();
    this.#objects.stop();
  }

  #selectClasses(): void {
    this.#classesChanged = false;
    const classes = selectClasses(this.#sources.ingressClasses.values(), this.#className);
    if (deepEqual(classes, this.#classes)) return;
    this.#classes = classes;
    for (const ingress of this.#sources.ingresses.values()) this.#dirtyIngresses.add(objectKey(ingress));
  }

  #compileIngress(key: string): void {
    const ingress = this.#sources.ingresses.get(key);
    const before = this.#rules.get(key);
    const after = ingress !== undefined && isOurIngress(ingress, this.#classes) ? compileIngress(ingress) : undefined;
    if (before === undefined && after === undefined) return;
    this.#dirtyStatus.add(key);
    // A change of status or labels alone leaves the rules equal.
    if (deepEqual(before, after)) return;
    for (const hostname of before?.hosts.keys() ?? []) {
      this.#ingressesOfHost.delete(hostname, key);
      this.#dirtyHosts.add(hostname);
    }
    for (const ref of before?.backends ?? []) {
      this.#ingressesOfBackend.delete(ref.key, key);
      this.#dirtyBackends.add(ref.key);
    }
    for (const hostname of after?.hosts.keys() ?? []) {
      this.#ingressesOfHost.add(hostname, key);
      this.#dirtyHosts.add(hostname);
    }
    for (const ref of after?.backends ?? []) this.#addRef(key, ref);
    this.#certificates.setClaims(key, after?.tls ?? []);
    this.#credentials.setClaims(key, after?.credentials ?? []);
    this.#pages.setClaims(key, after?.pages ?? []);
    if (after === undefined) this.#rules.delete(key);
    else this.#rules.set(key, after);
  }

  /** Notes a backend that an Ingress, or a listener, names. */
  #addRef(owner: string, ref: BackendRef): void {
    this.#ingressesOfBackend.add(ref.key, owner);
    this.#backendsOfService.add(`${ref.namespace}/${ref.service}`, ref.key);
    this.#refs.set(ref.key, ref);
    this.#dirtyBackends.add(ref.key);
  }

  #flushBackends(): [BackendKey, RouteBackend | undefined][] {
    const changes: [BackendKey, RouteBackend | undefined][] = [];
    for (const key of this.#dirtyBackends) {
      const ref = this.#refs.get(key);
      if (ref === undefined) continue;
      if (this.#ingressesOfBackend.get(key).size === 0) {
        this.#forgetBackend(ref);
        if (this.#backends.delete(key)) changes.push([key, undefined]);
        continue;
      }
      const { backend, problem, mistakes } = this.#compileBackend(ref);
      const problems = problem === undefined ? mistakes : [problem, ...mistakes];
      if (!deepEqual(problems, this.#backendProblems.get(key) ?? [])) {
        if (problems.length === 0) this.#backendProblems.delete(key);
        else this.#backendProblems.set(key, problems);
        for (const ingress of this.#ingressesOfBackend.get(key)) this.#dirtyStatus.add(ingress);
      }
      if (deepEqual(backend, this.#backends.get(key))) continue;
      this.#backends.set(key, backend);
      changes.push([key, backend]);
    }
    this.#dirtyBackends.clear();
    return changes;
  }

  #compileBackend(ref: BackendRef): ReturnType<typeof compileBackend> {
    const service = `${ref.namespace}/${ref.service}`;
    const object = this.#sources.services.get(service);
    const { type, externalName } = object?.spec ?? {};
    this.#useName(ref.key, type === 'ExternalName' ? externalName : undefined);
    const external = externalName === undefined ? undefined : this.#names.get(externalName);
    const standIns = new Set<string>();
    const failover = (name: string): FailoverService => {
      const key = `${ref.namespace}/${name}`;
      standIns.add(key);
      return { service: this.#sources.services.get(key), slices: this.#slicesOf(key) };
    };
    const compiled = this.#objects.compile(ref.key, (objects) =>
      compileBackend(ref, object, this.#slicesOf(service), objects, external, failover),
    );
    standIns.delete(service);
    this.#useStandIns(ref.key, standIns);
    return compiled;
  }

  #slicesOf(service: string): EndpointSlice[] {
    const slices: EndpointSlice[] = [];
    for (const key of this.#slicesOfService.get(service)) {
      const slice = this.#sources.endpointSlices.get(key);
      if (slice !== undefined) slices.push(slice);
    }
    return slices;
  }

  /** Replaces the Services, beside its own, on which a backend depends. */
  #useStandIns(backend: BackendKey, services: ReadonlySet<string>): void {
    for (const service of this.#standInsOf.get(backend) ?? []) {
      if (!services.has(service)) this.#backendsOfService.delete(service, backend);
    }
    for (const service of services) this.#backendsOfService.add(service, backend);
    if (services.size === 0) this.#standInsOf.delete(backend);
    else this.#standInsOf.set(backend, services);
  }

  /** Watches the name that a backend stands for (undefined: none), and no longer the one before. */
  #useName(backend: BackendKey, name: string | undefined): void {
    const before = this.#nameOfBackend.get(backend);
    if (before === name) return;
    if (name !== undefined) {
      this.#nameOfBackend.set(backend, name);
      this.#names.watch(name);
    } else this.#nameOfBackend.delete(backend);
    if (before !== undefined) this.#names.unwatch(before);
  }

  #forgetBackend(ref: BackendRef): void {
    this.#refs.delete(ref.key);
    this.#useName(ref.key, undefined);
    this.#objects.forget(ref.key);
    this.#useStandIns(ref.key, new Set());
    this.#backendProblems.delete(ref.key);
    this.#backendsOfService.delete(`${ref.namespace}/${ref.service}`, ref.key);
  }

  #flushHosts(): [string, VirtualHost | undefined][] {
    const changes: [string, VirtualHost | undefined][] = [];
    for (const hostname of this.#dirtyHosts) {
      const contributors = this.#ingressesOfHost.get(hostname);
      const { routes, conflicts, unmatched } = mergeHost(
        [...contributors].flatMap((ingress) => this.#rules.get(ingress)?.hosts.get(hostname) ?? []),
      );
      this.#l4Changes.push(...this.#l4.updateHost(hostname, this.#byAge(contributors)));
      for (const { ingress } of [...conflicts, ...(this.#conflicts.get(hostname) ?? [])])
        this.#dirtyStatus.add(ingress);
      if (conflicts.length === 0) this.#conflicts.delete(hostname);
      else this.#conflicts.set(hostname, conflicts);
      for (const [listener, { protocol }] of this.#listeners) {
        if (protocol !== 'http' && protocol !== 'https') continue;
        const key = `${listener}|${hostname}`;
        if (routes.length === 0) {
          if (this.#hosts.delete(key)) changes.push([key, undefined]);
          continue;
        }
        const host: VirtualHost = {
          listener,
          hostname,
          routes: routesOfListener(routes, protocol, this.#listeners),
          ...(unmatched === undefined ? {} : { unmatched }),
        };
        if (deepEqual(host, this.#hosts.get(key))) continue;
        this.#hosts.set(key, host);
        changes.push([key, host]);
      }
    }
    this.#dirtyHosts.clear();
    return changes;
  }

  /** Ingresses with their rules, the oldest first. */
  #byAge(ingresses: Iterable<string>): (readonly [string, IngressRules])[] {
    const created = (key: string): string => this.#sources.ingresses.get(key)?.metadata.creationTimestamp ?? '';
    return [...ingresses]
      .sort((a, b) => created(a).localeCompare(created(b)) || a.localeCompare(b))
      .flatMap((key) => {
        const rules = this.#rules.get(key);
        return rules === undefined || rules.passthrough.length === 0 ? [] : [[key, rules] as const];
      });
  }

  #markService(service: string): void {
    for (const backend of this.#backendsOfService.get(service)) this.#dirtyBackends.add(backend);
  }

  #indexSlice(key: string, before: Stored<EndpointSlice> | undefined, after: Stored<EndpointSlice> | undefined): void {
    const from = serviceOfSlice(before);
    const to = serviceOfSlice(after);
    if (from !== undefined && from !== to) {
      this.#slicesOfService.delete(from, key);
      this.#markService(from);
    }
    if (to !== undefined) {
      this.#slicesOfService.add(to, key);
      this.#markService(to);
    }
  }
}

/** `namespace/name` of the Service that a slice belongs to, by its label. */
function serviceOfSlice(slice: Stored<EndpointSlice> | undefined): string | undefined {
  const name = slice?.metadata.labels?.['kubernetes.io/service-name'];
  return name === undefined ? undefined : `${slice?.metadata.namespace ?? ''}/${name}`;
}
