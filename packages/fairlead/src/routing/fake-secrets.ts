import { objectKey, type Secret, type Stored } from '@fairlead/api';
import type { SecretSource } from './secret-source.ts';

/** Secrets that a test fills by hand; remembers who is watched. */
export class FakeSecrets implements SecretSource {
  readonly needs: Map<string, number> = new Map();
  readonly #objects = new Map<string, Stored<Secret>>();
  readonly #listeners = new Set<(key: string) => void>();
  /** Keys whose first answer has not come. */
  readonly pending: Set<string> = new Set();

  watch(key: string): void {
    this.needs.set(key, (this.needs.get(key) ?? 0) + 1);
  }

  unwatch(key: string): void {
    const left = (this.needs.get(key) ?? 0) - 1;
    if (left > 0) this.needs.set(key, left);
    else this.needs.delete(key);
  }

  get(key: string): Stored<Secret> | undefined | 'pending' {
    return this.pending.has(key) || !this.needs.has(key) ? 'pending' : this.#objects.get(key);
  }

  subscribe(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  set(secret: Stored<Secret>): void {
    const key = objectKey(secret);
    this.#objects.set(key, secret);
    this.tell(key);
  }

  delete(key: string): void {
    this.#objects.delete(key);
    this.tell(key);
  }

  tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}
