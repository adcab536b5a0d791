// Hot path: one per write, shared by every watcher of the resource.
import type { StoredObject } from './stored-object.ts';

/** What a watcher is told about an object. */
export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change of one resource. */
export class WatchEvent {
  readonly revision: number;
  /** The object after the change; for a deletion its last state with the deletion's revision. */
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
  readonly deleted: boolean;
  #lines: { [Type in WatchEventType]?: Buffer } | undefined;
  #leaving: StoredObject | undefined;

  constructor(current: StoredObject, previous: StoredObject | undefined, deleted: boolean) {
    this.revision = current.modRevision;
    this.current = current;
    this.previous = previous;
    this.deleted = deleted;
  }

  /** The previous state at this revision: for watchers whose selection the object leaves. */
  get leaving(): StoredObject {
    this.#leaving ??= (this.previous ?? this.current).at(this.revision);
    return this.#leaving;
  }

  /** The encoded line of this event in plain JSON, made once per type as long as it is news. */
  line(type: WatchEventType): Buffer {
    this.#lines ??= {};
    let line = this.#lines[type];
    if (line === undefined) {
      const shown = type === 'DELETED' && !this.deleted ? this.leaving : this.current;
      line = Buffer.from(`{"type":"${type}","object":${shown.json}}\n`);
      this.#lines[type] = line;
    }
    return line;
  }

  /** Forgets encoded lines: all who watched have them, and few will start that far back. */
  forgetLines(): void {
    this.#lines = undefined;
    this.#leaving = undefined;
  }

  /** About how many characters of text live on only because of this event. */
  get heldSize(): number {
    return (this.previous?.size ?? 0) + (this.deleted ? this.current.size : 0);
  }
}
