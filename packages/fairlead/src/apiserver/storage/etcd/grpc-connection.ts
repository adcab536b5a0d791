// Hot path: one call per write and per round of reads.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Clock } from '../../../sys/clock.ts';

/** How to prove who etcd and this program are; PEM. */
export interface EtcdTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/**
 * Why a call did not succeed. `Unreachable`: no connection, the request did not leave. `Unavailable`:
 * it may or may not have been carried out. `Deadline`: likewise, no answer in time.
 * `Compacted` and `Full` are etcd's own; `StaleToken`: who asks must prove again who they are, nothing was done;
 * `Refused` is any other answer.
 */
export type EtcdErrorCode =
  | 'Unreachable'
  | 'Unavailable'
  | 'Deadline'
  | 'Compacted'
  | 'Full'
  | 'StaleToken'
  | 'Refused';

/** A failed call to etcd. */
export class EtcdError extends Error {
  override readonly name: string = 'EtcdError';
  readonly code: EtcdErrorCode;

  constructor(code: EtcdErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** A long-lived call with messages in both directions. */
export interface EtcdStream {
  send(message: Buffer): void;
  close(): void;
}

/** What a stream tells; `onEnd` comes exactly once, also after {@link EtcdStream.close}. */
export interface EtcdStreamEvents {
  onMessage(message: Buffer): void;
  onEnd(error: EtcdError): void;
}

const connectDeadlineMs = 3_000;
const pingEveryMs = 5_000;
const pingDeadlineMs = 5_000;
const windowBytes = 4 * 1024 * 1024;
const maxMessageBytes = 256 * 1024 * 1024;

/** gRPC over one HTTP/2 session to one etcd member. A session that fails is not used again. */
export class GrpcConnection {
  readonly endpoint: string;
  /** Goes with every request: who asks, where etcd wants to know. */
  token: string | undefined;
  readonly #session: ClientHttp2Session;
  readonly #clock: Clock;
  #broken: string | undefined;
  #cancelPing: () => void = () => undefined;

  private constructor(endpoint: string, session: ClientHttp2Session, clock: Clock) {
    this.endpoint = endpoint;
    this.#session = session;
    this.#clock = clock;
    const onBroken = (reason: string): void => {
      this.#broken ??= reason;
      this.#cancelPing();
    };
    session.on('error', (error: Error) => onBroken(error.message));
    session.on('goaway', () => onBroken('etcd is closing the connection'));
    session.on('close', () => onBroken('the connection is closed'));
    this.#planPing();
  }

  /** Connects; rejects with `Unreachable`. */
  static open(endpoint: string, tls: EtcdTls, clock: Clock): Promise<GrpcConnection> {
    return new Promise((resolve, reject) => {
      const session = connect(endpoint, {
        settings: { initialWindowSize: windowBytes, enablePush: false },
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
      });
      const fail = (reason: string, cause?: unknown): void => {
        cancel();
        session.destroy();
        reject(new EtcdError('Unreachable', `etcd at ${endpoint} cannot be reached: ${reason}`, cause));
      };
      const onError = (error: Error): void =>
        fail(error.message || (error as { code?: string }).code || 'failed', error);
      const cancel = clock.after(connectDeadlineMs, () => fail(`no connection within ${connectDeadlineMs / 1000} s`));
      const onClose = (): void => fail('the connection was closed');
      session.on('error', onError);
      session.on('close', onClose);
      // Only after the peer's settings: a connection to something that accepts and says nothing is none.
      session.once('remoteSettings', () => {
        cancel();
        session.setLocalWindowSize(windowBytes * 4);
        resolve(new GrpcConnection(endpoint, session, clock));
        session.off('error', onError);
        session.off('close', onClose);
      });
    });
  }

  get usable(): boolean {
    return this.#broken === undefined && !this.#session.destroyed && !this.#session.closed;
  }

  /** One request, one answer. */
  call(path: string, message: Buffer, deadlineMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(path, reject);
      if (stream === undefined) return;
      const messages: Buffer[] = [];
      const cancel = this.#clock.after(deadlineMs, () => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(new EtcdError('Deadline', `etcd at ${this.endpoint} did not answer within ${deadlineMs / 1000} s`));
      });
      receive(stream, this.endpoint, {
        onMessage: (answer) => messages.push(answer),
        onEnd: (error) => {
          cancel();
          const [answer] = messages;
          if (error.message === '' && answer !== undefined) resolve(answer);
          else reject(error.message === '' ? new EtcdError('Refused', 'etcd answered without a message') : error);
        },
      });
      stream.end(frame(message));
    });
  }

  /** A call that stays open. It fails when the member loses its leader, so that it never goes stale in silence. */
  stream(path: string, events: EtcdStreamEvents): EtcdStream {
    let ended = false;
    const end = (error: EtcdError): void => {
      if (ended) return;
      ended = true;
      events.onEnd(error.message === '' ? new EtcdError('Unavailable', 'etcd ended the stream') : error);
    };
    const stream = this.#open(path, (error) => queueMicrotask(() => end(error)), { hasleader: 'true' });
    if (stream !== undefined) receive(stream, this.endpoint, { onMessage: events.onMessage, onEnd: end });
    return {
      send: (message) => stream?.write(frame(message)),
      close: () => stream?.close(constants.NGHTTP2_CANCEL),
    };
  }

  close(): void {
    this.#broken ??= 'closed';
    this.#cancelPing();
    this.#session.destroy();
  }

  #open(
    path: string,
    fail: (error: EtcdError) => void,
    headers: Readonly<Record<string, string>> = {},
  ): ClientHttp2Stream | undefined {
    if (!this.usable) {
      fail(new EtcdError('Unreachable', `etcd at ${this.endpoint} cannot be reached: ${this.#broken ?? 'closed'}`));
      return undefined;
    }
    const token = this.token === undefined ? {} : { token: this.token };
    return this.#session.request(
      { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...token, ...headers },
      { endStream: false },
    );
  }

  /** Finds out when the other side is gone without a word. */
  #planPing(): void {
    this.#cancelPing = this.#clock.after(pingEveryMs, () => {
      if (!this.usable) return;
      const cancel = this.#clock.after(pingDeadlineMs, () => {
        this.#broken ??= `no answer within ${pingDeadlineMs / 1000} s`;
        this.#session.destroy();
      });
      this.#cancelPing = cancel;
      this.#session.ping((error) => {
        cancel();
        if (error === null && this.usable) this.#planPing();
      });
    });
  }
}

/** Cuts the frames out of a stream, and makes an error of its end; an empty message means success. */
function receive(stream: ClientHttp2Stream, endpoint: string, events: EtcdStreamEvents): void {
  // Chunks that do not make a whole message yet, and how many bytes they must become.
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = 5;
  let status: string | undefined;
  let text = '';
  let failure: Error | undefined;
  const readStatus = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers['grpc-status'] === undefined) return;
    status = String(headers['grpc-status']);
    text = decodeURIComponent(String(headers['grpc-message'] ?? '').replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  };
  stream.on('response', readStatus);
  stream.on('trailers', readStatus);
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    if (held < wanted) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks, held);
    wanted = 5;
    while (rest.length >= 5) {
      const length = rest.readUInt32BE(1);
      if (length > maxMessageBytes || rest[0] !== 0) {
        failure = new Error('not a gRPC message');
        stream.close(constants.NGHTTP2_CANCEL);
        return;
      }
      wanted = 5 + length;
      if (rest.length < wanted) break;
      events.onMessage(rest.subarray(5, wanted));
      rest = rest.subarray(wanted);
      wanted = 5;
    }
    chunks = rest.length === 0 ? [] : [rest];
    held = rest.length;
  });
  stream.on('error', (error: Error) => {
    failure = error;
  });
  stream.on('close', () => events.onEnd(endOf(status, text, failure, endpoint)));
}

function endOf(status: string | undefined, text: string, failure: Error | undefined, endpoint: string): EtcdError {
  if (status === '0') return new EtcdError('Refused', '');
  if (status === undefined) {
    return new EtcdError(
      'Unavailable',
      `etcd at ${endpoint} broke off: ${failure?.message ?? 'connection lost'}`,
      failure,
    );
  }
  const message = `etcd: ${text.replace(/^etcdserver: /, '')}`;
  if (text.includes('required revision has been compacted')) return new EtcdError('Compacted', message);
  if (text.includes('database space exceeded')) return new EtcdError('Full', message);
  if (text.includes('invalid auth token') || text.includes('revision of auth store is old')) {
    return new EtcdError('StaleToken', message);
  }
  // gRPC status: 14 UNAVAILABLE; 4 DEADLINE_EXCEEDED and 1 CANCELLED come from a member in trouble, too.
  if (status === '14' || status === '4' || status === '1') return new EtcdError('Unavailable', message);
  return new EtcdError('Refused', message);
}

/** A gRPC message: not compressed, its length, its bytes. */
function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, 5);
  return framed;
}
