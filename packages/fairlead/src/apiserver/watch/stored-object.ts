// Hot path: one per object in memory; text is spliced, not encoded again.
import { parseJson } from '@fairlead/api/json-number';
import type { StorageEntry } from '../storage/storage.ts';
import { type Decoded, DecodedObjects } from './decoded-objects.ts';
import type { KubeObject } from './kube-object.ts';

/** Of all objects of the process: some thousand of common size. */
const decodedObjects = new DecodedObjects(2_000_000);

const emptyVersion = '"resourceVersion":""';

/**
 * One version of one object: its stored text, and the decoded object made on first use.
 *
 * The store holds the text with an empty `resourceVersion`, because the version is known only
 * after the commit. `metadata` comes before all fields of users and quotes inside strings are
 * escaped, so the first match of the empty field is the one in the metadata.
 */
export class StoredObject implements Decoded {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly #value: string;
  #object: KubeObject | undefined;
  #used = false;

  /** `decoded` must be the object that `entry.value` was made from. */
  constructor(entry: StorageEntry, decoded?: KubeObject) {
    this.key = entry.key;
    this.createRevision = entry.createRevision;
    this.modRevision = entry.modRevision;
    this.#value = entry.value;
    this.#object = decoded;
    if (decoded === undefined) return;
    decoded.metadata.resourceVersion = String(entry.modRevision);
    decodedObjects.add(this);
  }

  /** The object itself, shared by all readers: never change it. Decoded anew when it was not used for long. */
  get object(): KubeObject {
    this.#used = true;
    if (this.#object !== undefined) return this.#object;
    const object = parseJson(this.#value) as KubeObject;
    // Revision 0: shown, but not stored (a dry run).
    if (this.modRevision > 0) object.metadata.resourceVersion = String(this.modRevision);
    this.#object = object;
    decodedObjects.add(this);
    return object;
  }

  get size(): number {
    return this.#value.length;
  }

  takeUsed(): boolean {
    const used = this.#used;
    this.#used = false;
    return used;
  }

  forget(): void {
    this.#object = undefined;
  }

  /** Stored text, with the empty version. */
  get value(): string {
    return this.#value;
  }

  /** The JSON text a client sees. */
  get json(): string {
    return this.#value.replace(emptyVersion, `"resourceVersion":"${this.modRevision}"`);
  }

  /** The same content as of another revision: what a deletion shows. */
  at(revision: number): StoredObject {
    return new StoredObject({
      key: this.key,
      value: this.#value,
      createRevision: this.createRevision,
      modRevision: revision,
    });
  }
}

/**
 * The text to store for an object, with an empty version.
 *
 * Puts kind, metadata and the version ahead of everything a user can choose the keys of.
 */
export function storedValue(object: KubeObject): string {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { name, generateName, namespace, uid, resourceVersion: _, ...others } = metadata;
  return JSON.stringify({
    kind,
    apiVersion,
    metadata: { name, generateName, namespace, uid, resourceVersion: '', ...others },
    ...rest,
  });
}
