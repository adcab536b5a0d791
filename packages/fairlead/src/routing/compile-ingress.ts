import { type Ingress, type IngressBackend, type IngressRule, objectKey, type Stored } from '@fairlead/api';
import type { ObjectClaim } from './claim-table.ts';
import { compileIngressTls, type TlsClaim } from './compile-ingress-tls.ts';
import { compilePassthrough, type PassthroughHost } from './compile-passthrough.ts';
import { type PathAnnotations, PathSettings, type RulePath } from './path-settings.ts';
import { type BackendConnection, connectionKey } from './read-backend-connection.ts';
import type { CredentialClaim } from './read-credentials.ts';
import { pathRewriteOf } from './read-route-edits.ts';
import { readRulePath } from './read-rule-path.ts';
import { type RouteSettings, readRouteSettings } from './route-settings.ts';
import type { BackendKey, PathMatch, Route, RouteAction, RouteTimeouts } from './route-table.ts';

/** A mistake of the user, told as a Warning event; it never blocks other rules. */
export interface IngressProblem {
  /** Field path, e.g. `spec.rules[0].http.paths[1].backend.service.name`. */
  readonly field: string;
  /** CamelCase reason of the event. */
  readonly reason:
    | 'InvalidRule'
    | 'InvalidField'
    | 'BackendNotFound'
    | 'BackendNotResolved'
    | 'BackendUnsupported'
    | 'RouteConflict'
    | 'ConfigMapNotFound'
    | 'ConfigMapInvalid'
    | 'SecretNotFound'
    | 'SecretInvalid'
    | 'ClientCaInvalid'
    | 'BackendCaInvalid'
    | 'CertificateMismatch';
  readonly message: string;
}

/** A Service port as an Ingress names it. */
export interface BackendRef {
  readonly key: BackendKey;
  readonly namespace: string;
  readonly service: string;
  /** Number or name of a port of the Service. */
  readonly port: number | string;
  /** Where the Ingress names it, for problems. */
  readonly field: string;
  /** Transport of the Service port; absent: TCP. */
  readonly transport?: 'UDP';
  /** What the Ingress's annotations say about connections to endpoints, over what the Service says. */
  readonly connection?: BackendConnection;
}

/**
 * Order of routes within a hostname, lowest first. An exact path is never shorter than any prefix
 * that matches the same request, so "exact, then longest prefix" is the API's "longest path, then
 * exact over prefix".
 */
export const ROUTE_RANK = {
  exact: 0,
  prefix: 1,
  defaultBackend: 2,
  foreignDefault: 3,
  /** Redirects a hostname that nobody has rules for. */
  otherName: 4,
  /** Takes no request from any route: what those get that none takes. */
  unmatched: 5,
} as const;

/** A route with all that decides its place among the routes of its hostname. */
export interface RankedRoute {
  readonly route: Route;
  readonly rank: (typeof ROUTE_RANK)[keyof typeof ROUTE_RANK];
  /** `metadata.creationTimestamp`: of equal matches the oldest Ingress wins, then `namespace/name`. */
  readonly created: string;
  readonly ingress: string;
  readonly position: number;
}

/** One Ingress, compiled. Depends on the Ingress alone; Services are resolved per backend. */
export interface IngressRules {
  readonly hosts: ReadonlyMap<string, readonly RankedRoute[]>;
  readonly backends: readonly BackendRef[];
  readonly tls: readonly TlsClaim[];
  readonly passthrough: readonly PassthroughHost[];
  /** What its filters need of Secrets and ConfigMaps. */
  readonly credentials: readonly CredentialClaim[];
  readonly pages: readonly ObjectClaim[];
  readonly problems: readonly IngressProblem[];
}

/** Ingress has no timeout fields: idle as nginx (60 s), connect as Envoy (5 s), no total limit. */
export const INGRESS_TIMEOUTS: RouteTimeouts = { requestMs: 'off', connectMs: 5_000, idleMs: 60_000 };

const HOSTNAME = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Compiles the rules of one Ingress (networking.k8s.io/v1) into routes per hostname. Cases:
 *
 * - rule with host: that hostname; without: `*`
 * - rule without `http`: the hostname goes to the Ingress's default backend
 * - default backend: last resort of each hostname of this Ingress, and of every other request;
 *   there, Ingresses without rules come before Ingresses with rules
 * - resource backend, or none: the route exists and answers 503, with a problem
 * - `ImplementationSpecific` is `Prefix`
 */
export function compileIngress(ingress: Stored<Ingress>): IngressRules {
  const tlsProblems: Parameters<IngressRulesBuilder['problem']>[] = [];
  const tls = compileIngressTls(ingress, (...problem) => tlsProblems.push(problem));
  const builder = new IngressRulesBuilder(ingress, tls);
  const spec = ingress.spec ?? {};
  spec.rules?.forEach((rule, index) => {
    builder.addRule(rule, `spec.rules[${index}]`);
  });
  if (spec.defaultBackend !== undefined) {
    const rank = (spec.rules ?? []).length === 0 ? ROUTE_RANK.defaultBackend : ROUTE_RANK.foreignDefault;
    builder.addDefaultBackend(spec.defaultBackend, rank);
  } else if ((spec.rules ?? []).length === 0) {
    builder.problem('spec', 'InvalidRule', 'neither rules nor defaultBackend: nothing to route');
  }
  for (const problem of tlsProblems) builder.problem(...problem);
  const passthrough = compilePassthrough(ingress, builder.rules().hosts, (field, reason, message) =>
    builder.problem(field, reason, message),
  );
  builder.addOtherNames();
  builder.addErrorPages();
  return { ...builder.rules(), tls, passthrough };
}

/** All paths of the rules. */
function pathsOf({ spec }: Stored<Ingress>): RulePath[] {
  return (spec?.rules ?? []).flatMap(({ host = '', http }) =>
    (http?.paths ?? []).map(({ path = '/' }) => ({ host, path })),
  );
}

/** Settings under which nobody gets in: what could not be read may have been a protection. */
function closed(settings: RouteSettings): RouteSettings {
  const { filters } = settings;
  return { ...settings, filters: { ...filters, filters: [{ type: 'closed', what: 'paths' }, ...filters.filters] } };
}

class IngressRulesBuilder {
  readonly #ingress: Stored<Ingress>;
  readonly #tls: readonly TlsClaim[];
  readonly #key: string;
  readonly #namespace: string;
  readonly #hosts = new Map<string, RankedRoute[]>();
  readonly #backends: BackendRef[] = [];
  readonly #problems: IngressProblem[] = [];
  readonly #paths: PathSettings;
  /** Of the whole Ingress. */
  readonly #settings: RouteSettings;
  /** Of paths that have others, by their keys. */
  readonly #settingsOfPath = new Map<string, RouteSettings>();
  #position = 0;

  constructor(ingress: Stored<Ingress>, tls: readonly TlsClaim[]) {
    this.#ingress = ingress;
    this.#tls = tls;
    this.#key = objectKey(ingress);
    this.#namespace = ingress.metadata.namespace ?? '';
    const { annotations = {} } = ingress.metadata;
    this.#paths = new PathSettings(annotations, pathsOf(ingress));
    const whole = this.#read({ annotations, key: '', names: new Set() });
    this.#settings = this.#paths.problems.length === 0 ? whole : closed(whole);
    for (const { field, message } of this.#paths.problems) this.problem(field, 'InvalidField', message);
  }

  #read(annotations: PathAnnotations): RouteSettings {
    const { uid } = this.#ingress.metadata;
    const owner = { namespace: this.#namespace, ingress: this.#key, uid };
    const settings = readRouteSettings(annotations, owner, INGRESS_TIMEOUTS);
    for (const { field, message } of settings.problems) this.problem(field, 'InvalidField', message);
    this.#backends.push(...settings.filters.backends);
    return settings;
  }

  /** Settings of one path of the rules. */
  #settingsOf(rule: RulePath): RouteSettings {
    const annotations = this.#paths.of(rule);
    if (annotations.key === '' || this.#paths.problems.length > 0) return this.#settings;
    // A path that two hosts have may have others for one of them.
    const key = `${annotations.key} ${[...annotations.names].join()}`;
    const known = this.#settingsOfPath.get(key) ?? this.#read(annotations);
    this.#settingsOfPath.set(key, known);
    return known;
  }

  rules(): Omit<IngressRules, 'tls' | 'passthrough'> {
    const filters = [this.#settings, ...this.#settingsOfPath.values()].map((settings) => settings.filters);
    return {
      hosts: this.#hosts,
      backends: this.#backends,
      credentials: filters.flatMap(({ credentials }) => credentials),
      pages: filters.flatMap(({ pages }) => pages),
      problems: this.#problems,
    };
  }

  problem(field: string, reason: IngressProblem['reason'], message: string): void {
    this.#problems.push({ field, reason, message });
  }

  addRule(rule: IngressRule, field: string): void {
    const hostname = (rule.host ?? '') === '' ? '*' : rule.host!.toLowerCase();
    if (hostname !== '*' && !HOSTNAME.test(hostname)) {
      this.problem(
        `${field}.host`,
        'InvalidRule',
        `${JSON.stringify(rule.host)} is not a DNS name or a wildcard of one label`,
      );
      return;
    }
    const routes = this.#routesOf(hostname);
    rule.http?.paths.forEach((path, index) => {
      const pathField = `${field}.http.paths[${index}]`;
      const match = readRulePath(path);
      if (match === undefined) {
        const shown = JSON.stringify(path.path);
        this.problem(
          `${pathField}.path`,
          'InvalidRule',
          `${shown} does not begin with "/", or is no path that is served`,
        );
        return;
      }
      const settings = this.#settingsOf({ host: rule.host ?? '', path: path.path ?? '/' });
      const action = this.#forward(path.backend, `${pathField}.backend`, settings);
      const rank = match.type === 'exact' ? ROUTE_RANK.exact : ROUTE_RANK.prefix;
      routes.push(this.#ranked(hostname, match, rank, pathField, action, settings));
    });
    if (rule.http === undefined && this.#ingress.spec?.defaultBackend === undefined) {
      this.problem(field, 'InvalidRule', 'a rule without paths needs spec.defaultBackend');
    }
  }

  addDefaultBackend(backend: IngressBackend, anyHostRank: RankedRoute['rank']): void {
    const field = 'spec.defaultBackend';
    const action = this.#forward(backend, field, this.#settings);
    const match: PathMatch = { type: 'prefix', value: '/' };
    for (const [hostname, routes] of this.#hosts) {
      routes.push(this.#ranked(hostname, match, ROUTE_RANK.defaultBackend, field, action, this.#settings));
    }
    if (this.#hosts.has('*')) return;
    this.#routesOf('*').push(this.#ranked('*', match, anyHostRank, field, action, this.#settings));
  }

  /** With `from-to-www-redirect`: the hosts with `www.` in front, or without it, send clients to those of the rules. */
  addOtherNames(): void {
    if (!this.#settings.filters.redirects.fromWww) return;
    for (const hostname of [...this.#hosts.keys()]) {
      if (hostname.startsWith('*')) continue;
      const other = hostname.startsWith('www.') ? hostname.slice(4) : `www.${hostname}`;
      if (this.#hosts.has(other)) continue;
      const route: Route = {
        source: this.#source('metadata.annotations[fairlead.dev/from-to-www-redirect]'),
        match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
        action: { type: 'redirect', status: 308, hostname },
        timeouts: this.#settings.policy.timeouts,
      };
      this.#routesOf(other).push(this.#placed(route, ROUTE_RANK.otherName));
    }
  }

  /** With pages for 404 of the gateway: its hosts have them for paths that nobody has a rule for, too. */
  addErrorPages(): void {
    const { filters } = this.#settings.filters;
    const pages = filters.find((filter) => filter.type === 'error-pages');
    const has404 = pages?.statuses.some(([first, last]) => first <= 404 && last >= 404) === true;
    if (pages === undefined || !has404 || pages.of === 'endpoint') return;
    const compression = filters.filter(({ type }) => type === 'compress');
    const { responseHeaders } = this.#settings.edits;
    const route: Route = {
      source: this.#source('metadata.annotations[fairlead.dev/error-pages]'),
      match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
      action: { type: 'respond', status: 404, body: '404 Not Found\n', reason: 'no-route' },
      timeouts: this.#settings.policy.timeouts,
      ...(responseHeaders === undefined ? {} : { responseHeaders }),
      filters: [pages, ...compression],
    };
    for (const routes of this.#hosts.values()) routes.push(this.#placed(route, ROUTE_RANK.unmatched));
  }

  /** Whether the Ingress has a certificate for the host, if only the default one. */
  #hasTls(hostname: string): boolean {
    const wildcard = hostname.replace(/^[^.]+/, '*');
    return this.#tls.some(
      ({ hosts, field }) =>
        field.startsWith('spec.tls') && (hosts.includes(hostname) || hosts.includes(wildcard) || hosts.includes('*')),
    );
  }

  #source(field: string): Route['source'] {
    return { kind: 'Ingress', namespace: this.#namespace, name: this.#ingress.metadata.name, field };
  }

  #routesOf(hostname: string): RankedRoute[] {
    const known = this.#hosts.get(hostname);
    if (known !== undefined) return known;
    const routes: RankedRoute[] = [];
    this.#hosts.set(hostname, routes);
    return routes;
  }

  #ranked(
    hostname: string,
    path: PathMatch,
    rank: RankedRoute['rank'],
    field: string,
    action: RouteAction,
    { edits, filters: read, policy }: RouteSettings,
  ): RankedRoute {
    const { requestHeaders, responseHeaders } = edits;
    const pathRewrite = pathRewriteOf(edits, path);
    const https = read.redirects.toHttps(this.#hasTls(hostname));
    const filters = https === undefined ? read.filters : [https, ...read.filters];
    const route: Route = {
      source: this.#source(field),
      match: { path, headers: [], query: [] },
      action,
      timeouts: policy.timeouts,
      ...(policy.retry === undefined ? {} : { retry: policy.retry }),
      ...(requestHeaders === undefined ? {} : { requestHeaders }),
      ...(responseHeaders === undefined ? {} : { responseHeaders }),
      ...(pathRewrite === undefined ? {} : { pathRewrite }),
      ...(filters.length === 0 ? {} : { filters }),
    };
    return this.#placed(route, rank);
  }

  #placed(route: Route, rank: RankedRoute['rank']): RankedRoute {
    const position = this.#position;
    this.#position += 1;
    return { route, rank, created: this.#ingress.metadata.creationTimestamp, ingress: this.#key, position };
  }

  #forward(backend: IngressBackend, field: string, settings: RouteSettings): RouteAction {
    const { service, resource } = backend;
    if (service === undefined) {
      const what =
        resource === undefined ? 'no backend' : `resource backend ${resource.kind ?? ''}/${resource.name ?? ''}`;
      this.problem(field, 'BackendUnsupported', `${what}: only service backends are served; requests get 503`);
      return { type: 'respond', status: 503, body: 'no service backend\n' };
    }
    const port = service.port?.number ?? service.port?.name;
    if (port === undefined || port === 0 || port === '') {
      this.problem(`${field}.service.port`, 'InvalidRule', 'a number or a name is needed; requests get 503');
      return { type: 'respond', status: 503, body: 'no service port\n' };
    }
    const { connection } = settings.connection;
    const key = `${this.#namespace}/${service.name}:${port}${connectionKey(connection)}`;
    this.#backends.push({
      key,
      namespace: this.#namespace,
      service: service.name,
      port,
      field: `${field}.service`,
      ...(connection === undefined ? {} : { connection }),
    });
    return { type: 'forward', backends: [{ backend: key, weight: 1 }] };
  }
}
