import type { ConfigMap, Secret } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { IngressProblem } from './compile-ingress.ts';
import { KeyIndex } from './key-index.ts';
import { type CredentialClaim, credentialKey, readCredentials } from './read-credentials.ts';
import type { RouteCredentials } from './route-filters.ts';
import type { NamedObjects } from './secret-source.ts';

type Problem = Omit<IngressProblem, 'field'>;

/** The objects that credentials are read from. */
export interface CredentialSources {
  readonly secrets: NamedObjects<Secret>;
  readonly configMaps: NamedObjects<ConfigMap>;
}

/**
 * Users, API keys and keys of tokens of a route table, kept in step with the Secrets and ConfigMaps that Ingresses
 * name. An object that is gone or unusable takes what was read from it away, so nobody gets in.
 */
export class CredentialTable {
  readonly #sources: CredentialSources;
  readonly #onStatus: (ingress: string) => void;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #claims = new Map<string, readonly CredentialClaim[]>();
  /** By credential key. */
  readonly #wanted = new Map<string, CredentialClaim>();
  readonly #keysOfObject = new KeyIndex();
  readonly #ingressesOf = new KeyIndex();
  readonly #credentials = new Map<string, RouteCredentials>();
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #dirty = new Set<string>();

  /** `onDirty` tells that a flush would find work, `onStatus` that an Ingress's problems may have changed. */
  constructor(sources: CredentialSources, onDirty: () => void, onStatus: (ingress: string) => void) {
    this.#sources = sources;
    this.#onStatus = onStatus;
    const changed = (kind: CredentialClaim['kind'], object: string): void => {
      const keys = this.#keysOfObject.get(`${kind} ${object}`);
      for (const key of keys) this.#dirty.add(key);
      if (keys.size > 0) onDirty();
    };
    this.#unsubscribe = [
      sources.secrets.subscribe((object) => changed('secret', object)),
      sources.configMaps.subscribe((object) => changed('configmap', object)),
    ];
  }

  /** A live view as of the last flush. */
  get credentials(): ReadonlyMap<string, RouteCredentials> {
    return this.#credentials;
  }

  /** Replaces what one Ingress claims. */
  setClaims(ingress: string, claims: readonly CredentialClaim[]): void {
    const before = this.#claims.get(ingress) ?? [];
    if (deepEqual(before, claims)) return;
    // First the new ones: an object that stays is watched all along.
    if (claims.length === 0) this.#claims.delete(ingress);
    else this.#claims.set(ingress, claims);
    const kept = new Set(claims.map(credentialKey));
    for (const claim of claims) {
      const key = credentialKey(claim);
      this.#wanted.set(key, claim);
      this.#keysOfObject.add(`${claim.kind} ${claim.object}`, key);
      this.#ingressesOf.add(key, ingress);
      this.#source(claim).watch(claim.object);
      this.#dirty.add(key);
    }
    for (const claim of before) {
      const key = credentialKey(claim);
      if (!kept.has(key)) this.#ingressesOf.delete(key, ingress);
      this.#source(claim).unwatch(claim.object);
      this.#dirty.add(key);
    }
  }

  #source({ kind }: CredentialClaim): NamedObjects<Secret | ConfigMap> {
    return kind === 'secret' ? this.#sources.secrets : this.#sources.configMaps;
  }

  /** Reads again what changed. */
  flush(): [string, RouteCredentials | undefined][] {
    const changes: [string, RouteCredentials | undefined][] = [];
    for (const key of this.#dirty) {
      const claim = this.#wanted.get(key);
      if (claim === undefined) continue;
      const isNeeded = this.#ingressesOf.get(key).size > 0;
      if (!isNeeded) {
        this.#wanted.delete(key);
        this.#keysOfObject.delete(`${claim.kind} ${claim.object}`, key);
      }
      const object = isNeeded ? this.#source(claim).get(claim.object) : undefined;
      if (object === 'pending') continue;
      const problems: Problem[] = [];
      const after = isNeeded ? this.#read(claim, object, problems) : undefined;
      if (!deepEqual(problems, this.#problems.get(key) ?? [])) {
        if (problems.length === 0) this.#problems.delete(key);
        else this.#problems.set(key, problems);
        for (const ingress of this.#ingressesOf.get(key)) this.#onStatus(ingress);
      }
      if (deepEqual(this.#credentials.get(key), after)) continue;
      if (after === undefined) this.#credentials.delete(key);
      else this.#credentials.set(key, after);
      changes.push([key, after]);
    }
    this.#dirty.clear();
    return changes;
  }

  #read(
    claim: CredentialClaim,
    object: Secret | ConfigMap | undefined,
    problems: Problem[],
  ): RouteCredentials | undefined {
    const name = `${claim.kind === 'secret' ? 'Secret' : 'ConfigMap'} ${claim.object}`;
    if (object === undefined) {
      problems.push({ reason: 'SecretNotFound', message: `${name} does not exist; nobody gets in` });
      return undefined;
    }
    return readCredentials(claim, object, (message) => {
      problems.push({ reason: 'SecretInvalid', message: `${name}${message.startsWith('has') ? '' : ','} ${message}` });
    });
  }

  /** Problems of what an Ingress claims, as of the last flush. */
  problemsOf(ingress: string): IngressProblem[] {
    return (this.#claims.get(ingress) ?? []).flatMap((claim) =>
      (this.#problems.get(credentialKey(claim)) ?? []).map((problem) => ({ field: claim.field, ...problem })),
    );
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }
}
