import { apiVersionOf, type ResourceRef, type Status, type Stored } from '@fairlead/api';
import {
  type ApiClient,
  ApiError,
  type DeleteOptions,
  type ListOptions,
  type ObjectList,
  type ObjectName,
  type PatchType,
  type StreamOptions,
  type WatchEventOf,
  type WatchOptions,
  type WriteOptions,
} from '@fairlead/client';
import type { AnswerSink, ApiAnswer, UserInfo } from '../server/api-request.ts';
import type { Pipeline } from '../server/pipeline.ts';

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** An API client that calls the request pipeline directly: the same answers, without sockets. */
export class InProcessClient implements ApiClient {
  readonly #pipeline: Pipeline;
  readonly #user: UserInfo;
  readonly #userAgent: string;
  readonly #closed = new AbortController();

  constructor(pipeline: Pipeline, user: UserInfo, userAgent: string) {
    this.#pipeline = pipeline;
    this.#user = user;
    this.#userAgent = userAgent;
  }

  async get<T>(ref: ResourceRef<T>, name: ObjectName): Promise<Stored<T>> {
    return (await this.request('GET', objectPath(ref, name))) as Stored<T>;
  }

  async list<T>(ref: ResourceRef<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const query = selectionQuery(options);
    if (options.limit !== undefined) query.set('limit', String(options.limit));
    if (options.continue !== undefined) query.set('continue', options.continue);
    if (options.resourceVersion !== undefined) query.set('resourceVersion', options.resourceVersion);
    if (options.resourceVersionMatch !== undefined) query.set('resourceVersionMatch', options.resourceVersionMatch);
    const list = (await this.request('GET', withQuery(collectionPath(ref, options.namespace), query))) as {
      readonly items: Stored<T>[];
      readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
    };
    const typeMeta = { apiVersion: apiVersionOf(ref), kind: ref.kind };
    return {
      items: list.items.map((item) => ({ ...typeMeta, ...item })),
      resourceVersion: list.metadata.resourceVersion,
      ...((list.metadata.continue ?? '') === '' ? {} : { continue: list.metadata.continue }),
    };
  }

  async create<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const { namespace, name } = metadataOf(object);
    const path =
      options.subresource === undefined
        ? collectionPath(ref, namespace)
        : `${objectPath(ref, { name, namespace })}/${options.subresource}`;
    return (await this.request(
      'POST',
      withQuery(path, writeQuery(options)),
      withType(ref, object, options),
    )) as Stored<T>;
  }

  async update<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const path = withSubresource(objectPath(ref, metadataOf(object)), options);
    return (await this.request(
      'PUT',
      withQuery(path, writeQuery(options)),
      withType(ref, object, options),
    )) as Stored<T>;
  }

  async patch<T>(
    ref: ResourceRef<T>,
    name: ObjectName,
    type: PatchType,
    body: unknown,
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<Stored<T>> {
    const query = writeQuery(options);
    if (options.force === true) query.set('force', 'true');
    const path = withQuery(withSubresource(objectPath(ref, name), options), query);
    return (await this.request('PATCH', path, body, { 'content-type': patchTypes[type] })) as Stored<T>;
  }

  async delete<T>(ref: ResourceRef<T>, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    await this.request('DELETE', objectPath(ref, name), { kind: 'DeleteOptions', apiVersion: 'v1', ...options });
  }

  async *watch<T>(ref: ResourceRef<T>, options: WatchOptions = {}): AsyncIterable<WatchEventOf<T>> {
    const query = selectionQuery(options);
    query.set('watch', 'true');
    if (options.resourceVersion !== undefined) query.set('resourceVersion', options.resourceVersion);
    if (options.allowBookmarks === true) query.set('allowWatchBookmarks', 'true');
    if (options.sendInitialEvents === true) {
      query.set('sendInitialEvents', 'true');
      query.set('resourceVersionMatch', 'NotOlderThan');
    }
    if (options.timeoutSeconds !== undefined) query.set('timeoutSeconds', String(options.timeoutSeconds));
    const path = withQuery(collectionPath(ref, options.namespace), query);
    for await (const line of this.#chunks(path, 'application/json', options.signal)) {
      yield JSON.parse(Buffer.from(line).toString('utf8')) as WatchEventOf<T>;
    }
  }

  stream(path: string, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    return this.#chunks(path, options.accept ?? '*/*', options.signal);
  }

  /** The answer of a GET as the pipeline writes it: of a watch, each piece is one event. */
  async *#chunks(
    path: string,
    accept: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = new AbortController();
    const signals = [stop.signal, this.#closed.signal, ...(signal === undefined ? [] : [signal])];
    const answer = await this.#send('GET', path, undefined, { accept }, AbortSignal.any(signals));
    if (answer.stream === undefined) {
      if (answer.status >= 300 || answer.body === undefined) throw failureOf(answer);
      yield Buffer.from(answer.body);
      return;
    }
    const queue = new ChunkQueue();
    const done = answer.stream(queue).finally(() => queue.end());
    try {
      for (;;) {
        const chunk = await queue.next();
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      stop.abort();
      await done;
    }
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const answer = await this.#send(method, path, body, headers, this.#closed.signal);
    if (answer.stream !== undefined) return collect(answer);
    if (answer.status >= 300) throw failureOf(answer);
    return parseBody(answer);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    if (signal.aborted) return Promise.reject(new ApiError(0, 'Unreachable', 'the API server was stopped'));
    const mark = path.indexOf('?');
    return this.#pipeline.handle({
      method,
      path: mark < 0 ? path : path.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1)),
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        'content-type': 'application/json',
        ...headers,
      },
      body: bytesOf(body),
      user: this.#user,
      signal,
    });
  }
}

/** Bytes and text as they are, anything else as JSON. */
function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The pieces of a stream, in order; unbounded, as the reader shares our memory. */
class ChunkQueue implements AnswerSink {
  readonly queuedBytes = 0;
  #chunks: Uint8Array[] = [];
  #read = 0;
  #waiting: ((chunk: Uint8Array | undefined) => void) | undefined;
  #ended = false;

  write(chunk: Uint8Array): void {
    // The producer may write into the same memory again.
    const kept = Uint8Array.from(chunk);
    if (this.#waiting !== undefined) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting(kept);
    } else {
      this.#chunks.push(kept);
    }
  }

  next(): Promise<Uint8Array | undefined> {
    if (this.#read < this.#chunks.length) {
      const chunk = this.#chunks[this.#read++]!;
      if (this.#read === this.#chunks.length) {
        this.#chunks = [];
        this.#read = 0;
      }
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async drained(): Promise<void> {}

  end(): void {
    this.#ended = true;
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }

  abort(): void {
    this.end();
  }
}

/** The whole of an answer that comes as a stream: text, or what JSON it is. */
async function collect(answer: ApiAnswer): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  await answer.stream!({
    queuedBytes: 0,
    write: (chunk) => void chunks.push(Uint8Array.from(chunk)),
    drained: async () => {},
    end() {},
    abort() {},
  });
  const body = Buffer.concat(chunks).toString('utf8');
  const { status, headers } = answer;
  if (status >= 300) throw failureOf({ status, headers, body });
  try {
    return parseBody({ status, headers, body });
  } catch {
    // The events of a watch are several texts.
    return body;
  }
}

function parseBody(answer: ApiAnswer): unknown {
  const text = typeof answer.body === 'string' ? answer.body : Buffer.from(answer.body ?? '').toString('utf8');
  return String(answer.headers['content-type']).startsWith('application/json') ? JSON.parse(text) : text;
}

function failureOf(answer: ApiAnswer): ApiError {
  const body = parseBody(answer);
  if (typeof body !== 'object' || body === null) return new ApiError(answer.status, 'Unknown', String(body));
  const status = body as Status;
  return new ApiError(answer.status, status.reason ?? 'Unknown', status.message ?? '', { status });
}

function metadataOf(object: unknown): { readonly name: string; readonly namespace: string } {
  const { metadata } = object as { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
  return { name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' };
}

function withType<T>(ref: ResourceRef<T>, object: T, options: WriteOptions): unknown {
  // The body of some subresources has a type of its own.
  const ownType =
    options.subresource !== undefined && options.subresource !== 'status' && options.subresource !== 'finalize';
  return ownType ? object : { ...object, apiVersion: apiVersionOf(ref), kind: ref.kind };
}

function collectionPath<T>(ref: ResourceRef<T>, namespace: string | undefined): string {
  const root = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const scope = ref.namespaced && (namespace ?? '') !== '' ? `/namespaces/${encodeURIComponent(namespace!)}` : '';
  return `${root}${scope}/${ref.plural}`;
}

function objectPath<T>(ref: ResourceRef<T>, name: ObjectName): string {
  return `${collectionPath(ref, name.namespace)}/${encodeURIComponent(name.name)}`;
}

function withSubresource(path: string, options: WriteOptions): string {
  return options.subresource === undefined ? path : `${path}/${options.subresource}`;
}

function writeQuery(options: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (options.fieldManager !== undefined) query.set('fieldManager', options.fieldManager);
  if (options.dryRun === true) query.set('dryRun', 'All');
  return query;
}

function selectionQuery(options: {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}): URLSearchParams {
  const query = new URLSearchParams();
  if (options.labelSelector !== undefined) query.set('labelSelector', options.labelSelector);
  if (options.fieldSelector !== undefined) query.set('fieldSelector', options.fieldSelector);
  return query;
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
