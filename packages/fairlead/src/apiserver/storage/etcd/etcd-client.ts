import type { Clock, Random } from '../../../sys/clock.ts';
import { EtcdError, type EtcdStream, type EtcdStreamEvents, type EtcdTls, GrpcConnection } from './grpc-connection.ts';
import { decodeAuthenticate, encodeAuthenticate, etcdCalls } from './messages.ts';

/** A user of etcd's own, where its authentication is on. */
export interface EtcdCredentials {
  readonly name: string;
  readonly password: string;
}

/** How to reach an etcd cluster. */
export interface EtcdClientOptions {
  /** `http://host:port` or `https://host:port`, one per member. */
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
  readonly credentials?: EtcdCredentials;
  readonly clock: Clock;
  readonly random: Random;
}

/** The answer of a call that may have been sent more than once. */
export interface EtcdAnswer {
  readonly bytes: Buffer;
  /** An earlier attempt got no answer and may have been carried out, too. */
  readonly resent: boolean;
}

const attemptDeadlineMs = 5_000;
const shortestPauseMs = 50;
const longestPauseMs = 1_000;
/** How long a call goes on trying while members say that they have no leader. */
const callDeadlineMs = 8_000;

/**
 * Calls to an etcd cluster through one member at a time; another one when that fails.
 *
 * Every call may be sent twice: reads do no harm, and writes compare the mod revision first.
 */
export class EtcdClient {
  readonly #options: EtcdClientOptions;
  #connecting: Promise<GrpcConnection> | undefined;
  #connection: GrpcConnection | undefined;
  #next: number;
  #closed = false;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    // Several servers spread over the members.
    this.#next = Math.floor(options.random() * options.endpoints.length);
  }

  /**
   * One request, one answer. Rejects with `Unreachable` at once when no member accepts connections, otherwise
   * after `deadlineMs` of attempts.
   */
  async call(path: string, message: Buffer, deadlineMs: number = callDeadlineMs): Promise<EtcdAnswer> {
    const { clock, random } = this.#options;
    const endMs = clock.monotonicMs() + deadlineMs;
    let resent = false;
    for (let waitMs = shortestPauseMs; ; waitMs = Math.min(waitMs * 2, longestPauseMs)) {
      const connection = await this.#connect();
      try {
        const left = Math.max(1, endMs - clock.monotonicMs());
        const bytes = await connection.call(path, message, Math.min(attemptDeadlineMs, left));
        return { bytes, resent };
      } catch (error) {
        if (error instanceof EtcdError && error.code === 'StaleToken' && clock.monotonicMs() < endMs) {
          await this.#authenticate(connection);
          continue;
        }
        if (!(error instanceof EtcdError) || !isTransient(error)) throw error;
        this.#leave(connection);
        if (error.code !== 'Unreachable') resent = true;
        if (this.#closed || clock.monotonicMs() + waitMs >= endMs) throw error;
        await clock.sleep(waitMs * (0.5 + random()));
      }
    }
  }

  /** Opens a stream at a member; a stream that fails makes the next call go elsewhere. */
  async stream(path: string, events: EtcdStreamEvents): Promise<EtcdStream> {
    const connection = await this.#connect();
    // Its token is looked at when it begins, and may have run out by now.
    await this.#authenticate(connection);
    return connection.stream(path, {
      onMessage: events.onMessage,
      onEnd: (error) => {
        if (isTransient(error) && !this.#closed) this.#leave(connection);
        events.onEnd(error);
      },
    });
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The connection in use, or a new one to the first member that answers. */
  #connect(): Promise<GrpcConnection> {
    if (this.#closed) return Promise.reject(new EtcdError('Unreachable', 'the etcd client is closed'));
    if (this.#connection?.usable === true) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#tryAll().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #tryAll(): Promise<GrpcConnection> {
    const { endpoints, tls, clock } = this.#options;
    let failure: unknown;
    for (let attempt = 0; attempt < endpoints.length; attempt++) {
      const endpoint = endpoints[this.#next % endpoints.length]!;
      try {
        const connection = await GrpcConnection.open(endpoint, tls, clock);
        await this.#authenticate(connection).catch((error: unknown) => {
          connection.close();
          throw error;
        });
        if (this.#closed) {
          connection.close();
          break;
        }
        this.#connection = connection;
        return connection;
      } catch (error) {
        // A wrong password is wrong everywhere.
        if (error instanceof EtcdError && error.code === 'Refused') throw error;
        failure = error;
        this.#next += 1;
      }
    }
    throw failure ?? new EtcdError('Unreachable', 'the etcd client is closed');
  }

  /** Gets a token of this user; tokens run out after some minutes without use, and when users are changed. */
  async #authenticate(connection: GrpcConnection): Promise<void> {
    const { credentials } = this.#options;
    if (credentials === undefined) return;
    const request = encodeAuthenticate(credentials.name, credentials.password);
    connection.token = decodeAuthenticate(await connection.call(etcdCalls.authenticate, request, attemptDeadlineMs));
  }

  /** Goes on with the next member, unless that has happened already. */
  #leave(connection: GrpcConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#next += 1;
    connection.close();
  }
}

function isTransient(error: EtcdError): boolean {
  return error.code === 'Unreachable' || error.code === 'Unavailable' || error.code === 'Deadline';
}
