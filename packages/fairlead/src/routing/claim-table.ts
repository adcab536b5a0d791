import type { ConfigMap, Secret } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { IngressProblem } from './compile-ingress.ts';
import { KeyIndex } from './key-index.ts';
import type { NamedObjects } from './secret-source.ts';

/** A mistake in an object that an Ingress names; where it names it is told with it. */
export type ClaimProblem = Omit<IngressProblem, 'field'>;

/** An object that an Ingress takes something from, and where it says so. */
export interface ObjectClaim {
  readonly kind: 'secret' | 'configmap';
  /** `namespace/name`. */
  readonly object: string;
  /** Field path in the Ingress. */
  readonly field: string;
}

/** The objects that claims name. */
export interface ClaimSources {
  readonly secrets: NamedObjects<Secret>;
  readonly configMaps: NamedObjects<ConfigMap>;
}

/** What is made of claims. */
export interface ClaimReader<C, V> {
  /** Key in the route table of what a claim is read into. */
  readonly keyOf: (claim: C) => string;
  /** Undefined: nothing can be read, which is one of the problems. The object is undefined when it does not exist. */
  readonly read: (claim: C, object: Secret | ConfigMap | undefined, problems: ClaimProblem[]) => V | undefined;
}

/**
 * Values of a route table that are read from Secrets and ConfigMaps, kept in step with the objects that Ingresses
 * name. An object that is gone or unusable takes what was read from it away.
 */
export class ClaimTable<C extends ObjectClaim, V> {
  readonly #sources: ClaimSources;
  readonly #reader: ClaimReader<C, V>;
  readonly #onStatus: (ingress: string) => void;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #claims = new Map<string, readonly C[]>();
  /** By key of the route table. */
  readonly #wanted = new Map<string, C>();
  readonly #keysOfObject = new KeyIndex();
  readonly #ingressesOf = new KeyIndex();
  readonly #values = new Map<string, V>();
  readonly #problems = new Map<string, readonly ClaimProblem[]>();
  readonly #dirty = new Set<string>();

  /** `onDirty` tells that a flush would find work, `onStatus` that an Ingress's problems may have changed. */
  constructor(
    sources: ClaimSources,
    reader: ClaimReader<C, V>,
    onDirty: () => void,
    onStatus: (ingress: string) => void,
  ) {
    this.#sources = sources;
    this.#reader = reader;
    this.#onStatus = onStatus;
    const changed = (kind: ObjectClaim['kind'], object: string): void => {
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
  get values(): ReadonlyMap<string, V> {
    return this.#values;
  }

  /** Replaces what one Ingress claims. */
  setClaims(ingress: string, claims: readonly C[]): void {
    const before = this.#claims.get(ingress) ?? [];
    if (deepEqual(before, claims)) return;
    // First the new ones: an object that stays is watched all along.
    if (claims.length === 0) this.#claims.delete(ingress);
    else this.#claims.set(ingress, claims);
    const kept = new Set(claims.map((claim) => this.#reader.keyOf(claim)));
    for (const claim of claims) {
      const key = this.#reader.keyOf(claim);
      this.#wanted.set(key, claim);
      this.#keysOfObject.add(`${claim.kind} ${claim.object}`, key);
      this.#ingressesOf.add(key, ingress);
      this.#source(claim).watch(claim.object);
      this.#dirty.add(key);
    }
    for (const claim of before) {
      const key = this.#reader.keyOf(claim);
      if (!kept.has(key)) this.#ingressesOf.delete(key, ingress);
      this.#source(claim).unwatch(claim.object);
      this.#dirty.add(key);
    }
  }

  #source({ kind }: C): NamedObjects<Secret | ConfigMap> {
    return kind === 'secret' ? this.#sources.secrets : this.#sources.configMaps;
  }

  /** Reads again what changed. */
  flush(): [string, V | undefined][] {
    const changes: [string, V | undefined][] = [];
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
      const problems: ClaimProblem[] = [];
      const after = isNeeded ? this.#reader.read(claim, object, problems) : undefined;
      if (!deepEqual(problems, this.#problems.get(key) ?? [])) {
        if (problems.length === 0) this.#problems.delete(key);
        else this.#problems.set(key, problems);
        for (const ingress of this.#ingressesOf.get(key)) this.#onStatus(ingress);
      }
      if (deepEqual(this.#values.get(key), after)) continue;
      if (after === undefined) this.#values.delete(key);
      else this.#values.set(key, after);
      changes.push([key, after]);
    }
    this.#dirty.clear();
    return changes;
  }

  /** Problems of what an Ingress claims, as of the last flush. */
  problemsOf(ingress: string): IngressProblem[] {
    return (this.#claims.get(ingress) ?? []).flatMap((claim) =>
      (this.#problems.get(this.#reader.keyOf(claim)) ?? []).map((problem) => ({ field: claim.field, ...problem })),
    );
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }
}
