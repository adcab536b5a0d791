import { createHash } from 'node:crypto';
import type { ConfigMap, Secret } from '@fairlead/api';
import type { RouteCredentials } from './route-filters.ts';

/** An object that an Ingress takes secrets or keys from, and where it says so. */
export interface CredentialClaim {
  /** `users`: names and password hashes; `api-keys`: a key for each client; `jwks`: keys that sign tokens; `oidc`: what a login needs. */
  readonly type: 'users' | 'api-keys' | 'jwks' | 'oidc';
  /** Only `jwks` are public enough for a ConfigMap. */
  readonly kind: 'secret' | 'configmap';
  /** `namespace/name`. */
  readonly object: string;
  /** Field path in the Ingress. */
  readonly field: string;
}

/** Key in `RouteTable.credentials` of what a claim is read into. */
export function credentialKey({ type, kind, object }: Omit<CredentialClaim, 'field'>): string {
  return type === 'users' ? object : `${type} ${kind} ${object}`;
}

/** Reads what is claimed of an object. Undefined, and a problem, when nobody can get in by it. */
export function readCredentials(
  claim: Omit<CredentialClaim, 'field'>,
  object: Secret | ConfigMap,
  problem: (message: string) => void,
): RouteCredentials | undefined {
  const key = credentialKey(claim);
  const text = (name: string): string | undefined => {
    const value = object.data?.[name];
    return value === undefined || claim.kind === 'configmap' ? value : Buffer.from(value, 'base64').toString('utf8');
  };
  switch (claim.type) {
    case 'users': {
      const file = text('auth');
      if (file !== undefined) return { key, users: readUsers(file, problem) };
      problem('has no key auth; nobody gets in');
      return undefined;
    }
    case 'api-keys':
      return { key, users: readApiKeys(Object.keys(object.data ?? {}), text, problem) };
    case 'oidc': {
      const wrong = oidcProblem(text('client-secret'), text('cookie-key'));
      if (wrong !== undefined) {
        problem(`${wrong}; nobody gets in`);
        return undefined;
      }
      return {
        key,
        users: [
          ['client-secret', text('client-secret')!.trim()],
          ['cookie-key', text('cookie-key')!.trim()],
        ],
      };
    }
    case 'jwks': {
      const jwks = text('jwks') ?? text('jwks.json');
      const wrong = jwks === undefined ? 'has no key jwks' : jwksProblem(jwks);
      if (wrong === undefined) return { key, users: [], jwks: jwks! };
      problem(`${jwks === undefined ? '' : 'key jwks '}${wrong}; nobody gets in`);
      return undefined;
    }
  }
}

/** bcrypt costs double with each step; 12 is a quarter of a second of one processor. */
const BCRYPT_COST_MAX = 14;
const HASH = /^(\{SHA\}[A-Za-z0-9+/]{27}=|\$apr1\$[^$:]{1,8}\$[./0-9A-Za-z]{22}|\$2[aby]\$\d\d\$[./0-9A-Za-z]{53})$/;

/** An htpasswd file. A line that cannot be used is told and left out. */
function readUsers(file: string, problem: (message: string) => void): RouteCredentials['users'] {
  const users = new Map<string, string>();
  for (const [index, raw] of file.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const hash = line.slice(colon + 1);
    const cost = Number(/^\$2.\$(\d\d)/.exec(hash)?.[1] ?? 4);
    if (colon > 0 && HASH.test(hash) && cost <= BCRYPT_COST_MAX) {
      if (!users.has(line.slice(0, colon))) users.set(line.slice(0, colon), hash);
      continue;
    }
    problem(`line ${index + 1} of auth is not NAME:HASH with bcrypt (cost up to ${BCRYPT_COST_MAX}), apr1 or SHA`);
  }
  return [...users];
}

/** Shorter keys could be found by trying. */
const API_KEY_MIN = 16;

/** An entry for each client, whose value is its key. Only digests go on. */
function readApiKeys(
  clients: readonly string[],
  text: (name: string) => string | undefined,
  problem: (message: string) => void,
): RouteCredentials['users'] {
  const users: [string, string][] = [];
  const taken = new Set<string>();
  for (const client of [...clients].sort()) {
    const key = text(client)?.trim() ?? '';
    const digest = createHash('sha256').update(key).digest('hex');
    if (key.length < API_KEY_MIN || !/^[\x21-\x7e]+$/.test(key)) {
      problem(`the key of ${client} is not a word of ${API_KEY_MIN} characters of printable ASCII or more`);
    } else if (taken.has(digest)) problem(`the key of ${client} is another client's too`);
    else {
      taken.add(digest);
      users.push([client, digest]);
    }
  }
  return users;
}

/** Shorter ones could be found by trying. */
const COOKIE_KEY_MIN = 32;

function oidcProblem(clientSecret: string | undefined, cookieKey: string | undefined): string | undefined {
  if (clientSecret === undefined || clientSecret.trim() === '') return 'has no key client-secret';
  if (cookieKey === undefined) return 'has no key cookie-key';
  return cookieKey
    .trim()
    .split('\n')
    .every((line) => line.trim().length >= COOKIE_KEY_MIN)
    ? undefined
    : `has a cookie-key of less than ${COOKIE_KEY_MIN} characters`;
}

/** Why a text is no JSON Web Key Set (RFC 7517 5); undefined: it is one. Single keys are looked at later. */
export function jwksProblem(text: string): string | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  const keys = typeof set === 'object' && set !== null ? (set as { readonly keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys)) return 'has no list "keys" (RFC 7517)';
  return keys.length === 0 ? 'has no key' : undefined;
}
