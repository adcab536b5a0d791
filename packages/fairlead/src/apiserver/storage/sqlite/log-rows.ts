/** Rows of the log, one array per column: cheap to hand from thread to thread. */
export interface LogRows {
  readonly revisions: readonly number[];
  readonly keys: readonly string[];
  readonly createRevisions: readonly number[];
  /** Null: the key was deleted. */
  readonly values: readonly (string | null)[];
}

/** A change of the log with what it replaced; a deletion has the last value of its key. */
export interface LogChange {
  readonly revision: number;
  readonly key: string;
  readonly createRevision: number;
  readonly deleted: boolean;
  readonly value: string;
  readonly previous: LogVersion | undefined;
}

/** One version of a key. */
export interface LogVersion {
  readonly revision: number;
  readonly createRevision: number;
  readonly value: string;
}

/** Rows while they are gathered. */
export class LogRowsBuilder implements LogRows {
  readonly revisions: number[] = [];
  readonly keys: string[] = [];
  readonly createRevisions: number[] = [];
  readonly values: (string | null)[] = [];

  get length(): number {
    return this.revisions.length;
  }

  add(revision: number, key: string, createRevision: number, value: string | null): void {
    this.revisions.push(revision);
    this.keys.push(key);
    this.createRevisions.push(createRevision);
    this.values.push(value);
  }

  /** The columns alone, as they can be sent. */
  rows(): LogRows {
    const { revisions, keys, createRevisions, values } = this;
    return { revisions, keys, createRevisions, values };
  }
}
