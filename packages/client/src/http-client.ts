import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { ObjectMeta, ResourceRef, Status, Stored } from '@fairlead/api';
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
} from './api-client.ts';
import { type Clock, machineClock, machineRandom, type Surroundings } from './clock.ts';
import { HttpSession, type SessionTimes } from './http-session.ts';
import type { ConnectConfig } from './kubeconfig.ts';
import { createLineSplitter } from './line-splitter.ts';
import { createListReader, type ListHead } from './list-reader.ts';
import { listPath, resourcePath, watchPath, withQuery } from './resource-path.ts';

/** Options of {@link connect}; times in milliseconds. */
export interface ConnectOptions extends Surroundings, Partial<SessionTimes> {
  /** First word is the field manager of writes that name none. Default `fairlead`. */
  readonly userAgent?: string;
  /** From asking to the whole answer; watches only until they are open. Default 30,000. */
  readonly requestTimeoutMs?: number;
}

/** Media types of the patch kinds. */
export const patchMediaTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/**
 * A client over one multiplexed HTTP/2 connection. Connects when first used; after a lost
 * connection the next request opens a new one, with a back-off between failing attempts.
 */
export function connect(config: ConnectConfig, options: ConnectOptions = {}): ApiClient {
  const clock = options.clock ?? machineClock;
  const session = new HttpSession(config, clock, options.random ?? machineRandom, {
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    pingIntervalMs: options.pingIntervalMs ?? 10_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 5_000,
  });
  return new HttpClient(config, session, clock, options.requestTimeoutMs ?? 30_000, options.userAgent ?? 'fairlead');
}

interface Sent {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
}

class HttpClient implements ApiClient {
  readonly #session: HttpSession;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #userAgent: string;
  readonly #pathPrefix: string;
  readonly #server: string;

  constructor(config: ConnectConfig, session: HttpSession, clock: Clock, timeoutMs: number, userAgent: string) {
    this.#session = session;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#userAgent = userAgent;
    this.#server = config.server;
    this.#pathPrefix = new URL(config.server).pathname.replace(/\/+$/, '');
  }

  get<T>(ref: ResourceRef<T>, { namespace, name }: ObjectName): Promise<Stored<T>> {
    return this.#call<Stored<T>>('GET', resourcePath(ref, { namespace, name }));
  }

  async list<T>(ref: ResourceRef<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    interface ListBody extends ListHead {
      readonly items?: Stored<T>[] | null;
    }
    const body = await this.#call<ListBody>('GET', listPath(ref, options));
    return { items: body.items ?? [], ...versionOf(body) };
  }

  async listItems<T>(
    ref: ResourceRef<T>,
    options: ListOptions,
    onItem: (item: Stored<T>) => void,
  ): Promise<Omit<ObjectList<T>, 'items'>> {
    return this.#withDeadline(async (signal) => {
      const { stream, status } = await this.#send('GET', listPath(ref, options), undefined, undefined, signal);
      if (status !== 200) throw errorOf(status, await readText(stream));
      const reader = createListReader((item) => onItem(item as Stored<T>));
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) reader.push(chunk);
        return versionOf(reader.end());
      } catch (error) {
        if (error instanceof SyntaxError) throw new ApiError(0, 'BadAnswer', `list ${ref.plural}: ${error.message}`);
        throw error;
      } finally {
        stream.destroy();
      }
    });
  }

  create<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const { namespace, name } = metadataOf(object);
    const target = options.subresource === undefined ? { namespace } : { namespace, name };
    return this.#call<Stored<T>>('POST', writePath(ref, target, options), object);
  }

  update<T>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const { namespace, name } = metadataOf(object);
    return this.#call<Stored<T>>('PUT', writePath(ref, { namespace, name }, options), object);
  }

  patch<T>(
    ref: ResourceRef<T>,
    { namespace, name }: ObjectName,
    type: PatchType,
    body: unknown,
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<Stored<T>> {
    const path = writePath(ref, { namespace, name }, options, { force: options.force });
    return this.#call<Stored<T>>('PATCH', path, body, { 'content-type': patchMediaTypes[type] });
  }

  async delete<T>(ref: ResourceRef<T>, { namespace, name }: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
    await this.#call('DELETE', resourcePath(ref, { namespace, name }), body);
  }

  request(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown> {
    return this.#call(method, path, body, headers);
  }

  async *watch<T>(ref: ResourceRef<T>, options: WatchOptions = {}): AsyncGenerator<WatchEventOf<T>, void, undefined> {
    const { signal } = options;
    const splitter = createLineSplitter();
    try {
      for await (const chunk of this.#chunks(watchPath(ref, options), 'application/json', signal)) {
        for (const line of splitter.push(chunk)) {
          if (signal?.aborted === true) return;
          yield JSON.parse(line) as WatchEventOf<T>;
        }
      }
    } catch (error) {
      // A line that is not JSON is a server's bug.
      if (error instanceof SyntaxError) throw new ApiError(0, 'BadAnswer', `watch ${ref.plural}: ${error.message}`);
      throw error;
    }
  }

  stream(path: string, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    return this.#chunks(path, options.accept ?? '*/*', options.signal);
  }

  /** The body of a GET, piece by piece; a connection lost on the way ends it like the server's own end. */
  async *#chunks(
    path: string,
    accept: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    if (signal?.aborted === true) return;
    const { stream, status } = await this.#withDeadline((cancel) =>
      this.#send('GET', path, undefined, { accept }, AbortSignal.any([cancel, ...(signal ? [signal] : [])])),
    );
    const abort = (): void => void stream.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (status !== 200) throw errorOf(status, await readText(stream));
      try {
        yield* stream as AsyncIterable<Uint8Array>;
      } catch (error) {
        if (!stream.destroyed) throw error;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      stream.destroy();
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #call<R>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<R> {
    return this.#withDeadline(async (signal) => {
      const { stream, status } = await this.#send(method, path, body, headers, signal);
      const text = await readText(stream);
      if (status < 200 || status > 299) throw errorOf(status, text);
      if (text === '') return undefined as R;
      try {
        return JSON.parse(text) as R;
      } catch {
        return text as R;
      }
    });
  }

  /** Opens a stream and waits for the response headers. The signal resets the stream at any time. */
  async #send(
    method: string,
    path: string,
    body: unknown,
    extra: Readonly<Record<string, string>> | undefined,
    signal: AbortSignal,
  ): Promise<Sent> {
    const session = await untilAborted(this.#session.get(), signal);
    const authorization = this.#session.authorization();
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers: OutgoingHttpHeaders = {
      ':method': method,
      ':path': this.#pathPrefix + path,
      accept: 'application/json',
      'user-agent': this.#userAgent,
      ...(authorization === undefined ? {} : { authorization }),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...extra,
    };
    return new Promise((resolve, reject) => {
      const unreachable = (cause: unknown): void => {
        const why = signal.aborted ? signal.reason : cause;
        const text = why instanceof Error ? why.message : 'connection lost';
        const lost = `${method} ${this.#server}${path}: ${text}`;
        reject(why instanceof ApiError ? why : new ApiError(0, 'Unreachable', lost, { cause: why }));
      };
      let stream: ClientHttp2Stream;
      try {
        stream = session.request(headers, { endStream: payload === undefined });
      } catch (error) {
        return unreachable(error);
      }
      const abort = (): void => void stream.destroy();
      signal.addEventListener('abort', abort, { once: true });
      stream.on('error', unreachable);
      stream.once('close', () => {
        signal.removeEventListener('abort', abort);
        unreachable(undefined);
      });
      stream.once('response', (answer: IncomingHttpHeaders & { readonly ':status'?: number }) => {
        resolve({ stream, status: answer[':status'] ?? 0 });
      });
      if (payload !== undefined) stream.end(payload);
    });
  }

  async #withDeadline<R>(task: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const controller = new AbortController();
    const limit = this.#timeoutMs;
    const cancel = this.#clock.after(limit, () =>
      controller.abort(new ApiError(0, 'Timeout', `${this.#server}: no answer within ${limit} ms`)),
    );
    try {
      return await task(controller.signal);
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason;
      if (error instanceof ApiError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ApiError(0, 'Unreachable', `${this.#server}: ${why}`, { cause: error });
    } finally {
      cancel();
    }
  }
}

/** Version of a list, and where it goes on. */
function versionOf({ metadata }: ListHead): { readonly resourceVersion: string; readonly continue?: string } {
  const next = metadata?.continue;
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    ...(next === undefined || next === '' ? {} : { continue: next }),
  };
}

function metadataOf(object: unknown): ObjectMeta {
  return (object as { readonly metadata?: ObjectMeta }).metadata ?? {};
}

function writePath(
  ref: ResourceRef<unknown>,
  target: { readonly namespace?: string | undefined; readonly name?: string | undefined },
  options: WriteOptions,
  more: Readonly<Record<string, boolean | undefined>> = {},
): string {
  return withQuery(resourcePath(ref, { ...target, subresource: options.subresource }), {
    fieldManager: options.fieldManager,
    dryRun: options.dryRun === true ? 'All' : undefined,
    ...more,
  });
}

function untilAborted<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function readText(stream: ClientHttp2Stream): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Maps a body that is (or is not) a `Status` to the error of a failed request. */
function errorOf(code: number, text: string): ApiError {
  let status: Status | undefined;
  try {
    const parsed = JSON.parse(text) as Status | null;
    if (parsed?.kind === 'Status') status = parsed;
  } catch {
    // Not JSON: a proxy or load balancer answered. Its text is the message.
  }
  const message = status?.message ?? (text.trim() === '' ? `HTTP status ${code}` : text.trim().slice(0, 500));
  return new ApiError(code, status?.reason ?? 'Unknown', message, status === undefined ? {} : { status });
}
