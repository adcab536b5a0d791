import type { ObjectMeta, ResourceRef, Status, Stored } from '@fairlead/api';

/** Selects objects of a list, watch or informer. */
export interface Selection {
  /** Absent or empty: all namespaces. */
  readonly namespace?: string;
  /** Kubernetes label selector text, e.g. `app=web,tier!=db`. */
  readonly labelSelector?: string;
  /** Kubernetes field selector text, e.g. `spec.nodeName=a`. */
  readonly fieldSelector?: string;
}

/** What a list is asked for; `limit` and `continue` page through one snapshot. */
export interface ListOptions extends Selection {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

/** What a watch is asked for; without `resourceVersion` it begins with the present state. */
export interface WatchOptions extends Selection {
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  /** WatchList: initial ADDED events, then a bookmark with `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/** How an object is written. Defaults: the client's own field manager, not dry, the object itself. */
export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** `status`, `scale`, `finalize`, `binding` ... */
  readonly subresource?: string;
}

/** How an object is deleted; what is absent is the kind's own default. */
export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Media type of a patch body. `apply` needs `fieldManager`. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** A list, or a page of one: `continue` is there when more follows. */
export interface ObjectList<T> {
  readonly items: Stored<T>[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

/** One event of a watch. After an `ERROR` (410: the version is gone) the watch ends. */
export type WatchEventOf<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly object: { readonly metadata: ObjectMeta } }
  | { readonly type: 'ERROR'; readonly object: Status };

/** How an answer is streamed. */
export interface StreamOptions {
  /** Media type asked for; any unless given. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** Name of one object; `namespace` only for namespaced resources. */
export interface ObjectName {
  readonly name: string;
  readonly namespace?: string;
}

/**
 * A Kubernetes API, in process or over HTTPS alike.
 *
 * Every method rejects with {@link ApiError}: `code` is the HTTP status, 0 when no answer came.
 */
export interface ApiClient {
  get<T>(ref: ResourceRef<T>, name: ObjectName): Promise<Stored<T>>;
  list<T>(ref: ResourceRef<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /**
   * A list whose items are handed over as they arrive. Absent where they do not arrive one by one. When it rejects, some
   * may have been handed over.
   */
  listItems?<T>(
    ref: ResourceRef<T>,
    options: ListOptions,
    onItem: (item: Stored<T>) => void,
  ): Promise<Omit<ObjectList<T>, 'items'>>;
  create<T>(ref: ResourceRef<T>, object: T, options?: WriteOptions): Promise<Stored<T>>;
  /** PUT; conflicts (409) when `metadata.resourceVersion` is set and stale. */
  update<T>(ref: ResourceRef<T>, object: T, options?: WriteOptions): Promise<Stored<T>>;
  patch<T>(
    ref: ResourceRef<T>,
    name: ObjectName,
    type: PatchType,
    body: unknown,
    options?: WriteOptions & { readonly force?: boolean },
  ): Promise<Stored<T>>;
  delete<T>(ref: ResourceRef<T>, name: ObjectName, options?: DeleteOptions): Promise<void>;
  /** Ends when the server closes the stream; rejects only when it cannot be opened. */
  watch<T>(ref: ResourceRef<T>, options?: WatchOptions): AsyncIterable<WatchEventOf<T>>;
  /** Any other request, with a JSON body and answer. Query parameters belong into `path`. */
  request(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /**
   * A GET whose answer is read as it comes, such as a container's log. Ends with the answer or the signal;
   * rejects when it cannot be opened. Query parameters belong into `path`.
   */
  stream(path: string, options?: StreamOptions): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** An API answer other than 2xx, or no answer at all (`code` 0). */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  readonly code: number;
  /** Kubernetes reason: NotFound, AlreadyExists, Conflict, Invalid ... or `Unreachable`. */
  readonly reason: string;
  readonly status: Status | undefined;

  constructor(code: number, reason: string, message: string, options?: { status?: Status; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.status = options?.status;
  }
}

/** True for an {@link ApiError} of 404. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

/** True when an object has changed since it was read: 409, but not one that exists already. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason === 'Conflict';
}

/** True when the name was taken. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason === 'AlreadyExists';
}
