import type { CertificateNames } from '../sys/certificate-names.ts';
import type { TlsClientAuth, TlsIdentity } from '../sys/tls-context.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { BackendPolicy, BalanceKind } from './backend-policies.ts';
import type { RouteCredentials, RouteFilter, RoutePages } from './route-filters.ts';
import type { RetryPolicy } from './route-policies.ts';

/**
 * The one L7 model. Ingress, Gateway API and mesh kinds compile into it; the
 * gateway's workers (and later xDS) run it. Plain readonly data, keyed so that
 * a difference is proportional to the change: one host or one backend.
 */

/** Where a rule comes from, for status, access logs and `explain`. */
export interface RouteSource {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Field path inside the object, e.g. `spec.rules[0].http.paths[1]`. */
  readonly field: string;
}

/** How a path is compared. `prefix` works element-wise: `/a` matches `/a` and `/a/b`, not `/ab`. */
export type PathMatch =
  | { readonly type: 'exact'; readonly value: string }
  | { readonly type: 'prefix'; readonly value: string }
  /** Of the whole path; checked with `compileRegex` by the compilers, a pattern it refuses fails the whole difference. */
  | { readonly type: 'regex'; readonly value: string };

/** How one header or query parameter is compared. Header names are lower-case. */
export interface NamedMatch {
  readonly name: string;
  readonly type: 'exact' | 'regex' | 'present';
  readonly value: string;
}

/** Which requests a route takes: those for which every part holds. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly method?: string;
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
}

/** `namespace/service:port` of a backend in {@link RouteTable.backends}. */
export type BackendKey = string;

/** A backend and its share of a route's requests. */
export interface WeightedBackend {
  readonly backend: BackendKey;
  /** Share of requests, relative to the sum of the route's weights; 0 gets none. */
  readonly weight: number;
}

/** What happens to a matched request. */
export type RouteAction =
  | { readonly type: 'forward'; readonly backends: readonly WeightedBackend[] }
  | {
      readonly type: 'redirect';
      readonly status: number;
      readonly scheme?: string;
      readonly hostname?: string;
      readonly port?: number;
      readonly path?: { readonly type: 'full' | 'prefix'; readonly value: string };
    }
  | { readonly type: 'respond'; readonly status: number; readonly body: string; readonly reason?: 'no-route' };

/** Header edits in the order set, add, remove. Names are lower-case. */
export interface HeaderEdit {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** Timeouts in milliseconds; `off` disables one. */
export interface RouteTimeouts {
  readonly requestMs: number | 'off';
  readonly connectMs: number | 'off';
  readonly idleMs: number | 'off';
  /** From the start of one try to the head of its answer. Default `off`. */
  readonly tryMs?: number | 'off';
}

/** One rule: requests that match are edited, filtered, and get its action. */
export interface Route {
  readonly source: RouteSource;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly requestHeaders?: HeaderEdit;
  readonly responseHeaders?: HeaderEdit;
  readonly pathRewrite?:
    | { readonly type: 'full' | 'prefix'; readonly value: string }
    /** The first rule whose pattern matches the whole path, as it was matched; a path that none matches stays. */
    | { readonly type: 'regex'; readonly rules: readonly PathRule[] };
  readonly timeouts: RouteTimeouts;
  /** Absent: `DEFAULT_RETRY`. */
  readonly retry?: RetryPolicy;
  /** In order. Absent: none. */
  readonly filters?: readonly RouteFilter[];
}

/** A path by pattern. */
export interface PathRule {
  /** Checked with `compilePathPattern` by the compilers. */
  readonly pattern: string;
  /** Texts, and numbers of groups; the first one begins with a slash. */
  readonly replacement: readonly (string | number)[];
}

/** Rules of one hostname on one listener, in matching order: the first match wins. */
export interface VirtualHost {
  readonly listener: string;
  /** Lower-case: `shop.example`, `*.example` (one label more), or `*` (any, also no host). */
  readonly hostname: string;
  readonly routes: readonly Route[];
  /** What becomes of requests for this hostname that no route takes, of this or any other one; its match says nothing. Absent: 404. */
  readonly unmatched?: Route;
}

/** One address that requests of a backend go to. */
export interface RouteEndpoint {
  /** IPv4 or IPv6 literal. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly zone?: string;
  readonly node?: string;
  /** Lower ones are used first; higher ones as lower ones fail. Default 0. */
  readonly priority?: number;
}

/** Endpoints of one Service port. No endpoint: requests get 503. */
export interface RouteBackend {
  readonly key: BackendKey;
  /** What its limits, budgets and counts belong to: `namespace/service:number`, however routes name the port. Default: the key. */
  readonly identity?: string;
  readonly protocol: 'http1' | 'h2c' | 'https' | 'ws';
  readonly balance: BalanceKind;
  /** Absent: `DEFAULT_BACKEND_POLICY`. */
  readonly policy?: BackendPolicy;
  /** Connections to the endpoints begin with a PROXY protocol header that tells of the client; none is shared. */
  readonly proxyProtocol?: 'v1' | 'v2';
  readonly endpoints: readonly RouteEndpoint[];
  /** With protocol `https`: how the endpoints are checked. Absent: any certificate is taken, no name is sent. */
  readonly tls?: BackendTls;
}

/** TLS to the endpoints of a backend. */
export interface BackendTls {
  /** PEM bundle that must have signed their certificates; absent, and without `systemRoots`: anything goes. */
  readonly ca?: string;
  /** The CAs that the gateway's machine trusts must have signed them. */
  readonly systemRoots?: true;
  /** Sent as SNI; where certificates are checked also the name that they must bear, unless there are `names`. */
  readonly serverName?: string;
  /** Exact names of which a certificate must bear one. With `ca` or `systemRoots` only. */
  readonly names?: CertificateNames;
  /** Shown to endpoints that ask for a certificate. */
  readonly identity?: TlsIdentity;
  /** What ALPN offers. Absent: HTTP/1.1 without an offer. */
  readonly versions?: 'http1' | 'http2' | 'http2-or-http1';
}

/** A Service port, by number or name, behind a listener. */
export interface ListenerService {
  readonly namespace: string;
  readonly name: string;
  readonly port: number | string;
  /** Share of the connections or flows, relative to the sum. */
  readonly weight: number;
}

/** One address the gateway listens on. Key: its name, e.g. `http`. */
export interface RouteListener {
  readonly name: string;
  /**
   * What arrives there. `https` also relays handshakes for which there is an {@link L4Route} by server name;
   * the last three know nothing but such routes.
   */
  readonly protocol: 'http' | 'https' | 'tcp' | 'udp' | 'tls-passthrough';
  /** IP literal, `0.0.0.0` or `::`. */
  readonly address: string;
  readonly port: number;
  /** Of `https`: HTTP/3 too, at the UDP port of the same number. Default no. */
  readonly http3?: boolean;
  /** Port that clients reach it at, where something in front translates; absent: {@link port}. */
  readonly publicPort?: number;
  /** Of `tcp` and `udp`: who gets everything, by weight. For the compiler. */
  readonly services?: readonly ListenerService[];
}

/**
 * Where connections go that are relayed and not read: of a TCP or UDP listener, or TLS by the server name of
 * its ClientHello. Endpoints that cannot be reached are passed over; without any the client is reset.
 */
export interface L4Route {
  readonly source: RouteSource;
  readonly listener: string;
  /** Server name as in {@link VirtualHost.hostname}; `*` for TCP and UDP. */
  readonly hostname: string;
  readonly backends: readonly WeightedBackend[];
  /** Milliseconds. */
  readonly connectMs: number;
  /** Milliseconds without a byte, or datagram, in either direction. */
  readonly idleMs: number;
}

/** `namespace/secret`, with `|namespace/secret` of a CA behind it where clients must show a certificate, and `|` with settings. */
export type CertificateKey = string;

/** A certificate and the hosts it is shown for (SNI). PEM; checked when it was compiled. */
export interface RouteCertificate {
  readonly key: CertificateKey;
  /** Lower-case, as in {@link VirtualHost.hostname}. */
  readonly hosts: readonly string[];
  /** The leaf first, then its chain. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Client certificates: who must have signed them (PEM). `refuse`: the CA is missing, so nobody gets in. */
  readonly clientAuth?: TlsClientAuth | 'refuse';
  /** What is offered to clients, where it differs from the gateway's own. */
  readonly settings?: TlsSettings;
  /** An OCSP response to staple, DER in base64; absent: the gateway asks the certificate's responder. */
  readonly staple?: string;
}

/** All that a gateway's workers need to know to serve. */
export interface RouteTable {
  readonly listeners: ReadonlyMap<string, RouteListener>;
  /** Key: `listener|hostname`. */
  readonly hosts: ReadonlyMap<string, VirtualHost>;
  readonly backends: ReadonlyMap<BackendKey, RouteBackend>;
  readonly certificates: ReadonlyMap<CertificateKey, RouteCertificate>;
  /** Key: `listener|hostname`. Absent: none. */
  readonly l4?: ReadonlyMap<string, L4Route>;
  /** Key: `namespace/secret`. Absent: none. */
  readonly credentials?: ReadonlyMap<string, RouteCredentials>;
  /** Key: `namespace/configmap`. Absent: none. */
  readonly pages?: ReadonlyMap<string, RoutePages>;
}

/** Difference between two tables: `undefined` removes an entry. Sent to workers as it is. */
export interface RouteTableDiff {
  readonly listeners: readonly (readonly [key: string, value: RouteListener | undefined])[];
  readonly hosts: readonly (readonly [key: string, value: VirtualHost | undefined])[];
  readonly backends: readonly (readonly [key: BackendKey, value: RouteBackend | undefined])[];
  readonly certificates: readonly (readonly [key: CertificateKey, value: RouteCertificate | undefined])[];
  readonly l4?: readonly (readonly [key: string, value: L4Route | undefined])[];
  readonly credentials?: readonly (readonly [key: string, value: RouteCredentials | undefined])[];
  readonly pages?: readonly (readonly [key: string, value: RoutePages | undefined])[];
}
