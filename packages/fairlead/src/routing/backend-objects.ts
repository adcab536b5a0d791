import type { ConfigMap, Secret } from '@fairlead/api';
import type { TlsIdentity } from '../sys/tls-context.ts';
import { KeyIndex } from './key-index.ts';
import type { CaRef } from './read-backend-connection.ts';
import { readCaBundle, readCaText, readIdentity, type TlsSecretResult } from './read-tls-secret.ts';
import type { BackendKey } from './route-table.ts';
import type { NamedObjects } from './secret-source.ts';

/** What connections to endpoints need of Secrets and ConfigMaps. */
export interface BackendObjects {
  /** A PEM bundle. */
  ca(ref: Exclude<CaRef, { type: 'system' }>): TlsSecretResult<string>;
  /** The gateway's own certificate, from a Secret. */
  identity(key: string): TlsSecretResult<TlsIdentity>;
}

/** There are none. */
export const noBackendObjects: BackendObjects = {
  ca: () => ({ ok: false, problem: 'does not exist' }),
  identity: () => ({ ok: false, problem: 'does not exist' }),
};

const IS_PENDING = { ok: false, problem: 'is not known yet' } as const;
const IS_MISSING = { ok: false, problem: 'does not exist' } as const;

/** One kind of objects, and which backends need which of them. */
class Needs<T> {
  readonly objects: NamedObjects<T>;
  readonly #backendsOf = new KeyIndex();
  readonly #keysOf = new Map<BackendKey, ReadonlySet<string>>();

  constructor(objects: NamedObjects<T>) {
    this.objects = objects;
  }

  backendsOf(key: string): ReadonlySet<BackendKey> {
    return this.#backendsOf.get(key);
  }

  /** Replaces what a backend needs. What stays is watched all along. */
  set(backend: BackendKey, keys: ReadonlySet<string>): void {
    const before = this.#keysOf.get(backend) ?? new Set();
    for (const key of keys) {
      if (before.has(key)) continue;
      this.#backendsOf.add(key, backend);
      this.objects.watch(key);
    }
    for (const key of before) {
      if (keys.has(key)) continue;
      this.#backendsOf.delete(key, backend);
      this.objects.unwatch(key);
    }
    if (keys.size === 0) this.#keysOf.delete(backend);
    else this.#keysOf.set(backend, keys);
  }

  /** Notes a need while its backend is compiled. */
  use(backend: BackendKey, key: string): T | undefined | 'pending' {
    const known = this.#keysOf.get(backend);
    if (known?.has(key) !== true) this.set(backend, new Set([...(known ?? []), key]));
    return this.objects.get(key);
  }
}

/**
 * The Secrets and ConfigMaps that connections to endpoints need, each watched while a backend names it. A backend
 * that is compiled says so by asking.
 */
export class BackendObjectTable {
  readonly #secrets: Needs<Secret>;
  readonly #configMaps: Needs<ConfigMap>;
  readonly #unsubscribe: readonly (() => void)[];

  /** @param onChange is told of backends that must be compiled again. */
  constructor(
    secrets: NamedObjects<Secret>,
    configMaps: NamedObjects<ConfigMap>,
    onChange: (backends: ReadonlySet<BackendKey>) => void,
  ) {
    this.#secrets = new Needs(secrets);
    this.#configMaps = new Needs(configMaps);
    this.#unsubscribe = [
      secrets.subscribe((key) => onChange(this.#secrets.backendsOf(key))),
      configMaps.subscribe((key) => onChange(this.#configMaps.backendsOf(key))),
    ];
  }

  /** Compiles a backend: what it does not ask for is not watched any more. */
  compile<R>(backend: BackendKey, work: (objects: BackendObjects) => R): R {
    const asked = { secrets: new Set<string>(), configMaps: new Set<string>() };
    const secret = (key: string): Secret | undefined | 'pending' => {
      asked.secrets.add(key);
      return this.#secrets.use(backend, key);
    };
    const result = work({
      ca: ({ type, key }) => {
        if (type === 'secret') return readWith(secret(key), readCaBundle);
        asked.configMaps.add(key);
        return readWith(this.#configMaps.use(backend, key), (found) => readCaText(found.data?.['ca.crt']));
      },
      identity: (key) => readWith(secret(key), readIdentity),
    });
    this.#secrets.set(backend, asked.secrets);
    this.#configMaps.set(backend, asked.configMaps);
    return result;
  }

  forget(backend: BackendKey): void {
    this.#secrets.set(backend, new Set());
    this.#configMaps.set(backend, new Set());
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }
}

function readWith<T, R>(
  object: T | undefined | 'pending',
  read: (object: T) => TlsSecretResult<R>,
): TlsSecretResult<R> {
  if (object === 'pending') return IS_PENDING;
  return object === undefined ? IS_MISSING : read(object);
}
