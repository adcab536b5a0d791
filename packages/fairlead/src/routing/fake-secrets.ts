import { type ObjectMeta, objectKey, type Secret, type Stored } from '@fairlead/api';
import type { NamedObjects } from './secret-source.ts';

/** Objects that a test fills by hand; remembers who is watched. */
export class FakeObjects<T extends { metadata?: ObjectMeta | undefined }> implements NamedObjects<T> {
  readonly needs: Map<string, number> = new Map();
  readonly #objects = new Map<string, Stored<T>>();
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

  get(key: string): Stored<T> | undefined | 'pending' {
    return this.pending.has(key) || !this.needs.has(key) ? 'pending' : this.#objects.get(key);
  }

  subscribe(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  set(object: Stored<T>): void {
    const key = objectKey(object);
    this.#objects.set(key, object);
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

/** Secrets of a test. */
export class FakeSecrets extends FakeObjects<Secret> {}
