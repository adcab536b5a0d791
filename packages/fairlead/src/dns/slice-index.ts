import type { EndpointSlice, Stored } from '@fairlead/api';
import type { InformerChange } from '@fairlead/client';

/** EndpointSlices by the key (`namespace/name`) of the Service or import that a label names. */
export class SliceIndex {
  readonly #label: string;
  readonly #byOwner: Map<string, Map<string, Stored<EndpointSlice>>> = new Map();
  readonly #onChange: (slice: string, owner: string) => void;

  /** `onChange` is told of every slice that came, changed or went, and of its owner. */
  constructor(label: string, onChange: (slice: string, owner: string) => void) {
    this.#label = label;
    this.#onChange = onChange;
  }

  /** Slices of one owner by their own keys. */
  of(owner: string): ReadonlyMap<string, Stored<EndpointSlice>> | undefined {
    return this.#byOwner.get(owner);
  }

  take(changes: readonly InformerChange<EndpointSlice>[]): void {
    for (const { key, old, new: next } of changes) {
      const before = old && this.#ownerOf(old);
      const after = next && this.#ownerOf(next);
      // The same owner twice is the rule: then dropping it first would only make work.
      if (before !== undefined && before !== after) this.#drop(key, before);
      if (next !== undefined && after !== undefined) this.#keep(key, after, next);
    }
  }

  #ownerOf(slice: Stored<EndpointSlice>): string | undefined {
    const name = slice.metadata.labels?.[this.#label];
    return name === undefined || name === '' ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
  }

  #keep(key: string, owner: string, slice: Stored<EndpointSlice>): void {
    const slices = this.#byOwner.get(owner);
    if (slices === undefined) this.#byOwner.set(owner, new Map([[key, slice]]));
    else slices.set(key, slice);
    this.#onChange(key, owner);
  }

  #drop(key: string, owner: string): void {
    const slices = this.#byOwner.get(owner);
    slices?.delete(key);
    if (slices?.size === 0) this.#byOwner.delete(owner);
    this.#onChange(key, owner);
  }
}
