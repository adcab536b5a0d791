import type { HashKey } from './backend-policies.ts';
import type { RequestText } from './request-text.ts';
import type { BackendKey } from './route-table.ts';

/**
 * What a route does to its requests besides sending them on. Data only; a gateway runs them in the order of
 * {@link Route.filters}, before an endpoint is chosen. Any may answer instead.
 */
export type RouteFilter =
  | ClosedFilter
  | AccessFilter
  | CorsFilter
  | RateLimitFilter
  | BodyLimitFilter
  | InflateFilter
  | FaultFilter
  | BasicAuthFilter
  | CompressFilter
  | ApiKeyFilter
  | JwtFilter
  | OidcFilter
  | ForwardAuthFilter
  | HttpsRedirectFilter
  | RedirectFilter
  | HeaderTextFilter
  | MirrorFilter
  | StickyFilter
  | ErrorPagesFilter;

/** Stands for a protection whose configuration cannot be used: nobody gets in. */
export interface ClosedFilter {
  readonly type: 'closed';
  /** What could not be read, for the access log. */
  readonly what: string;
}

/** Who may come, by client address (behind trusted proxies the one that they name). A denied address stays denied. */
export interface AccessFilter {
  readonly type: 'access';
  /** CIDRs; empty: everybody that is not denied. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Cross-origin requests (Fetch standard). Preflights are answered by the gateway. */
export interface CorsFilter {
  readonly type: 'cors';
  /** `*` for any, `https://a.example`, or `https://*.a.example:8443` (any number of labels). Lower-case. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Lower-case; `*`: those that the preflight asks for. */
  readonly headers: readonly string[] | '*';
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeS: number;
}

/** A token bucket, shared by all workers of a gateway. Beyond: 429. */
export interface RateLimitFilter {
  readonly type: 'rate-limit';
  /** Limiters of one name share their buckets. */
  readonly name: string;
  /** Who has a bucket of its own: everybody together, each client address, each value of a header. */
  readonly per: 'route' | 'client' | { readonly header: string };
  readonly requests: number;
  readonly windowMs: number;
  /** Requests that may come at once, at least 1. */
  readonly burst: number;
}

/** Longest request body in bytes. Beyond: 413. */
export interface BodyLimitFilter {
  readonly type: 'body-limit';
  readonly maxBytes: number;
}

/** Compressed requests are inflated, up to so many bytes of content. Beyond: 413. */
export interface InflateFilter {
  readonly type: 'inflate';
  readonly maxBytes: number;
}

/** Failures on purpose, for a share of the requests (0 to 1), or of those that carry a header. */
export interface FaultFilter {
  readonly type: 'fault';
  readonly delay?: { readonly share: number; readonly ms: number };
  readonly abort?: { readonly share: number; readonly status: number };
  /** Lower-case. Only requests with this header, and value if there is one. */
  readonly header?: { readonly name: string; readonly value?: string };
  /** Requests held up at one time, in one worker; more pass without a delay. */
  readonly maxActive: number;
}

/** User name and password (RFC 7617). */
export interface BasicAuthFilter {
  readonly type: 'basic-auth';
  readonly realm: string;
  /** Key in {@link RouteTable.credentials}; while it is missing nobody gets in. */
  readonly credentials: string;
}

/** Compressed answers (RFC 9110 8.4), for clients that ask for them. */
export interface CompressFilter {
  readonly type: 'compress';
  /** By preference among those that a client likes equally. */
  readonly codings: readonly ('gzip' | 'br' | 'zstd')[];
  /** Lower-case media types, `text/*`, or `*+json`. */
  readonly types: readonly string[];
  /** Shorter answers are left alone, where the length is known. */
  readonly minBytes: number;
  readonly level: 'fast' | 'balanced' | 'small';
}

/** Where a request may carry a secret. Header names are lower-case. */
export type TokenPlace =
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'query' | 'cookie'; readonly name: string };

/** A key that its caller was given. */
export interface ApiKeyFilter {
  readonly type: 'api-key';
  /** The first place that has one counts. */
  readonly from: readonly TokenPlace[];
  /** Key in {@link RouteTable.credentials}: client → SHA-256 of its key, in hex. While it is missing nobody gets in. */
  readonly credentials: string;
  /** Lower-case request header that tells the backend which client it is; the client's own is taken away. */
  readonly clientHeader?: string;
}

/** Signatures that a {@link JwtFilter} can check. No symmetric one: a key that is public must not be a secret. */
export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
/** One of {@link JWT_ALGORITHMS}. */
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** A signed token (RFC 7515, 7519). Without a good one: 401. */
export interface JwtFilter {
  readonly type: 'jwt';
  /** Where the keys (RFC 7517) are: fetched and kept by the gateway, of an object, or here. While there are none: 503. */
  readonly keys:
    | { readonly type: 'url'; readonly url: string }
    /** Key in {@link RouteTable.credentials}. */
    | { readonly type: 'object'; readonly credentials: string }
    | { readonly type: 'inline'; readonly jwks: string };
  /** `iss` that is demanded; undefined: any. */
  readonly issuer?: string;
  /** One of these must be in `aud`; empty: any. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly JwtAlgorithm[];
  /** The first place that has a token counts. In `authorization` it is behind `Bearer`. */
  readonly from: readonly TokenPlace[];
  /** Claim (nested ones parted by dots) → lower-case request header; the client's own are taken away. */
  readonly claimHeaders: readonly (readonly [claim: string, header: string])[];
  /** `exp` and `nbf` may be off by this much. */
  readonly leewayS: number;
}

/**
 * Login at an OpenID provider (OpenID Connect Core 1.0, code flow with PKCE): browsers are sent there, and come back to
 * {@link callbackPath}. The session is in a cookie that only the gateway can read.
 */
export interface OidcFilter {
  readonly type: 'oidc';
  /** `iss` of its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** Key in {@link RouteTable.credentials}: `client-secret`, and `cookie-key`, a line for each, the first one seals. */
  readonly credentials: string;
  /** Where browsers are sent, as they reach it. */
  readonly authorizationUrl: string;
  /** Where the gateway redeems codes. */
  readonly token: { readonly backend: BackendKey; readonly host: string; readonly target: string };
  readonly keys: JwtFilter['keys'];
  readonly algorithms: readonly JwtAlgorithm[];
  readonly leewayS: number;
  /** With `openid` among them. */
  readonly scopes: readonly string[];
  readonly callbackPath: string;
  readonly logoutPath: string;
  /** Where browsers are sent after a logout; undefined: to `/`. */
  readonly endSessionUrl?: string;
  readonly cookie: string;
  /** However long tokens can be renewed. */
  readonly sessionMaxS: number;
  readonly claimHeaders: JwtFilter['claimHeaders'];
}

/** What two requests must have in common to share a verdict. */
export type VerdictKey = HashKey | { readonly type: 'method' | 'host' | 'path' };

/** Asks another service about each request: 2xx lets it pass, a refusal goes to the client, all else is 503. */
export interface ForwardAuthFilter {
  readonly type: 'forward-auth';
  readonly backend: BackendKey;
  /** Method of the question; `same`: that of the request. */
  readonly method: 'GET' | 'HEAD' | 'POST' | 'same';
  /** The question carries the request's content, up to so many bytes; longer: 413. Absent: it has none. */
  readonly bodyMaxBytes?: number;
  /** Host field of the question. */
  readonly host: string;
  /** Path and query of the question. */
  readonly target: string;
  readonly timeoutMs: number;
  /** Lower-case request headers that the service gets to see, besides those that describe the request. */
  readonly requestHeaders: readonly string[] | '*';
  /** Further headers of the question, in the place of those that the request has. */
  readonly setHeaders?: readonly (readonly [name: string, value: RequestText])[];
  /**
   * What of a refusal goes to the client. `status`: 401 and 403 alone, with how to log in. `answer`: every 3xx and 4xx
   * with its headers and its body (64 KiB at most), as a service with pages of its own wants. Default `status`.
   */
  readonly refusal?: 'status' | 'answer';
  /** Lower-case headers of a 2xx that its client gets with the backend's answer. Default none. */
  readonly clientHeaders?: readonly string[];
  /** Lower-case headers of a 2xx that the request carries on; the client's own are taken away. */
  readonly responseHeaders: readonly string[];
  /** Set-Cookie of the answer goes to the client, with a 2xx, a 401 and a 403. */
  readonly passesCookies: boolean;
  /** With a 401 the client is redirected there. */
  readonly signIn?: RequestText;
  /** Query parameter that tells the sign-in page where the client came from; undefined: {@link signIn} says it. */
  readonly signInParameter?: string;
  /** How long a 2xx counts for requests that agree in `by`, and have a value for each. */
  readonly cache?: { readonly by: readonly VerdictKey[]; readonly ms: number };
}

/** Sends clients that came in plain text to HTTPS. Only on listeners without TLS. */
export interface HttpsRedirectFilter {
  readonly type: 'https-redirect';
  readonly status: 301 | 302 | 307 | 308;
  /** Port of the location; undefined: 443. */
  readonly port?: number;
}

/** Sends clients elsewhere. */
export interface RedirectFilter {
  readonly type: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly location: RequestText;
  /** Only requests for exactly this path. */
  readonly path?: string;
}

/** Header edits whose values take something from the request: names lower-case, `set` replaces. */
export interface HeaderTextFilter {
  readonly type: 'header-text';
  readonly request: readonly HeaderText[];
  readonly response: readonly HeaderText[];
}
/** A header whose value may hold parts of the request. */
export interface HeaderText {
  readonly verb: 'set' | 'add';
  readonly name: string;
  readonly value: RequestText;
}

/** Copies a share of the requests to another backend, whose answers nobody waits for. */
export interface MirrorFilter {
  readonly type: 'mirror';
  readonly backend: BackendKey;
  /** 0 to 1. */
  readonly share: number;
  /** `shadow`: the copy's Host has `-shadow` behind its name. */
  readonly host: 'shadow' | 'keep';
  /** Requests with a longer body are not copied. */
  readonly bodyMaxBytes: number;
}

/** Pages in the place of error answers; their status stays, and what they say of authentication. */
export interface ErrorPagesFilter {
  readonly type: 'error-pages';
  /** Ranges of statuses from 400 to 599, both ends included. */
  readonly statuses: readonly (readonly [first: number, last: number])[];
  /** Whose answers: those that the gateway makes itself, those of endpoints. */
  readonly of: 'gateway' | 'endpoint' | 'both';
  readonly source: /** Key in {@link RouteTable.pages}. */
    | { readonly type: 'pages'; readonly pages: string }
    /** Is asked with GET, and told X-Code, X-Format, X-Original-URI, X-Namespace and X-Ingress-Name. */
    | { readonly type: 'service'; readonly backend: BackendKey; readonly host: string; readonly target: string };
  readonly namespace: string;
  readonly ingress: string;
}

/** Pages of a ConfigMap. */
export interface RoutePages {
  readonly key: string;
  readonly pages: readonly RoutePage[];
}

/** What is answered in place of an error. */
export interface RoutePage {
  /** `404`, `5xx` or `default`. */
  readonly status: string;
  readonly contentType: string;
  readonly text: string;
}

/** Clients stay with the endpoint, and the backend, that answered them first. */
export interface StickyFilter {
  readonly type: 'sticky';
  /** A field has a lower-case name, the same in requests and answers. */
  readonly by: StickyCookie | { readonly type: 'header'; readonly name: string };
  /**
   * `persistent`: with the endpoint until it is gone. `balanced`: with the one that the session hashes to, so that new
   * endpoints take their share of the sessions over.
   */
  readonly mode: 'balanced' | 'persistent';
  /** With an endpoint that fails, sessions move for good; else they come back with it. */
  readonly changeOnFailure: boolean;
  /** Key of the digests that clients get: the UID of the object, which all gateways know and no client. */
  readonly key: string;
}

/** A session cookie (RFC 6265). */
export interface StickyCookie {
  readonly type: 'cookie';
  readonly name: string;
  readonly path: string;
  /** `session`: until the client ends. */
  readonly maxAgeS: number | 'session';
  readonly sameSite: 'lax' | 'strict' | 'none' | 'off';
  /** `auto`: on answers over TLS. */
  readonly secure: 'auto' | 'on' | 'off';
  readonly httpOnly: boolean;
}

/** Users of a Secret: name → hash as in an htpasswd file (bcrypt, apr1, SHA-1). */
export interface RouteCredentials {
  readonly key: string;
  readonly users: readonly (readonly [user: string, hash: string])[];
  /** Text of a JSON Web Key Set, for an entry of {@link JwtFilter.keys}. */
  readonly jwks?: string;
}
