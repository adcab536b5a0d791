import type { Secret } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { IngressProblem } from './compile-ingress.ts';
import { KeyIndex } from './key-index.ts';
import type { RouteCredentials } from './route-filters.ts';
import type { SecretSource } from './secret-source.ts';

/** A Secret with users that an Ingress names, and where. */
export interface CredentialClaim {
  readonly secret: string;
  readonly field: string;
}

/** bcrypt costs double with each step; 12 is a quarter of a second of one processor. */
const BCRYPT_COST_MAX = 14;
const HASH = /^(\{SHA\}[A-Za-z0-9+/]{27}=|\$apr1\$[^$:]{1,8}\$[./0-9A-Za-z]{22}|\$2[aby]\$\d\d\$[./0-9A-Za-z]{53})$/;

/**
 * The users of a route table, kept in step with the Secrets that Ingresses name. A Secret that is gone or unusable
 * takes its users away, so nobody gets in.
 */
export class CredentialTable {
  readonly #secrets: SecretSource;
  readonly #onStatus: (ingress: string) => void;
  readonly #unsubscribe: () => void;
  readonly #claims = new Map<string, CredentialClaim>();
  readonly #ingressesOf = new KeyIndex();
  readonly #users = new Map<string, RouteCredentials>();
  readonly #problems = new Map<string, readonly Omit<IngressProblem, 'field'>[]>();
  readonly #dirty = new Set<string>();

  /** `onDirty` tells that a flush would find work, `onStatus` that an Ingress's problems may have changed. */
  constructor(secrets: SecretSource, onDirty: () => void, onStatus: (ingress: string) => void) {
    this.#secrets = secrets;
    this.#onStatus = onStatus;
    this.#unsubscribe = secrets.subscribe((secret) => {
      if (this.#ingressesOf.get(secret).size === 0) return;
      this.#dirty.add(secret);
      onDirty();
    });
  }

  /** A live view as of the last flush. */
  get credentials(): ReadonlyMap<string, RouteCredentials> {
    return this.#users;
  }

  /** Replaces what one Ingress claims. */
  setClaim(ingress: string, claim: CredentialClaim | undefined): void {
    const before = this.#claims.get(ingress);
    if (deepEqual(before, claim)) return;
    // First the new one: a Secret that stays is watched all along.
    if (claim === undefined) this.#claims.delete(ingress);
    else {
      this.#claims.set(ingress, claim);
      this.#ingressesOf.add(claim.secret, ingress);
      this.#secrets.watch(claim.secret);
      this.#dirty.add(claim.secret);
    }
    if (before === undefined) return;
    if (before.secret !== claim?.secret) this.#ingressesOf.delete(before.secret, ingress);
    this.#secrets.unwatch(before.secret);
    this.#dirty.add(before.secret);
  }

  /** Reads again what changed. */
  flush(): [string, RouteCredentials | undefined][] {
    const changes: [string, RouteCredentials | undefined][] = [];
    for (const key of this.#dirty) {
      const isNeeded = this.#ingressesOf.get(key).size > 0;
      const secret = isNeeded ? this.#secrets.get(key) : undefined;
      if (secret === 'pending') continue;
      const problems: Omit<IngressProblem, 'field'>[] = [];
      const after = isNeeded ? readUsers(key, secret, problems) : undefined;
      if (!deepEqual(problems, this.#problems.get(key) ?? [])) {
        if (problems.length === 0) this.#problems.delete(key);
        else this.#problems.set(key, problems);
        for (const ingress of this.#ingressesOf.get(key)) this.#onStatus(ingress);
      }
      if (deepEqual(this.#users.get(key), after)) continue;
      if (after === undefined) this.#users.delete(key);
      else this.#users.set(key, after);
      changes.push([key, after]);
    }
    this.#dirty.clear();
    return changes;
  }

  /** Problems of an Ingress's users, as of the last flush. */
  problemsOf(ingress: string): IngressProblem[] {
    const claim = this.#claims.get(ingress);
    if (claim === undefined) return [];
    return (this.#problems.get(claim.secret) ?? []).map((problem) => ({ field: claim.field, ...problem }));
  }

  stop(): void {
    this.#unsubscribe();
  }
}

/** Key `auth` of a Secret, in the format of an htpasswd file. A line that cannot be used is told and left out. */
function readUsers(
  key: string,
  secret: Secret | undefined,
  problems: Omit<IngressProblem, 'field'>[],
): RouteCredentials | undefined {
  if (secret === undefined) {
    problems.push({ reason: 'SecretNotFound', message: `Secret ${key} does not exist; nobody gets in` });
    return undefined;
  }
  const file = secret.data?.auth;
  if (file === undefined) {
    problems.push({ reason: 'SecretInvalid', message: `Secret ${key} has no key auth; nobody gets in` });
    return undefined;
  }
  const users = new Map<string, string>();
  for (const [index, raw] of Buffer.from(file, 'base64').toString('utf8').split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const hash = line.slice(colon + 1);
    const cost = Number(/^\$2.\$(\d\d)/.exec(hash)?.[1] ?? 4);
    if (colon > 0 && HASH.test(hash) && cost <= BCRYPT_COST_MAX) {
      if (!users.has(line.slice(0, colon))) users.set(line.slice(0, colon), hash);
      continue;
    }
    const message = `Secret ${key}, line ${index + 1} of auth is not NAME:HASH with bcrypt (cost up to ${BCRYPT_COST_MAX}), apr1 or SHA`;
    problems.push({ reason: 'SecretInvalid', message });
  }
  return { key, users: [...users] };
}
