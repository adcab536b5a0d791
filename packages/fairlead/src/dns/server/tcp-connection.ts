import type { Socket } from 'node:net';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { type StreamAnswers, type StreamEnds, streamEnds } from './stream-answers.ts';

/** Limits of the TCP service (RFC 7766, RFC 9210). */
export interface TcpLimits {
  /** A connection without a whole query for this long is closed. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** Forwarded queries in flight on one connection; reading pauses at the limit. */
  readonly maxPipelined: number;
  /** Unread answers of a slow reader; reading pauses above it. */
  readonly writeMaxBytes: number;
}

/** What holds unless settings say otherwise. */
export const defaultTcpLimits: TcpLimits = {
  idleTimeoutMs: 10_000,
  maxConnections: 1024,
  maxConnectionsPerClient: 128,
  maxPipelined: 64,
  writeMaxBytes: 256 * 1024,
};

/** What a connection needs. */
export interface TcpConnectionOptions {
  readonly answers: StreamAnswers;
  /** The connection is encrypted. */
  readonly isSecret: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** One connection of DNS over TCP or TLS: bytes in, framed answers out. */
export class TcpConnection {
  readonly #connection: Socket;
  readonly #options: TcpConnectionOptions;
  readonly #limits: TcpLimits;
  readonly #ends: StreamEnds;
  #pending: Buffer = Buffer.alloc(0);
  #inFlight = 0;
  #hasEnded = false;
  #cancelIdle: () => void;

  constructor(connection: Socket, options: TcpConnectionOptions, limits: TcpLimits) {
    this.#connection = connection;
    this.#options = options;
    this.#limits = limits;
    this.#ends = streamEnds(connection);
    this.#cancelIdle = this.#startIdle();
    connection.on('data', (chunk: Buffer) => this.#read(chunk));
    connection.on('drain', () => this.#resume());
    connection.on('end', () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    connection.once('close', () => this.#cancelIdle());
  }

  #startIdle(): () => void {
    return this.#options.clock.after(this.#limits.idleTimeoutMs, () => this.#connection.destroy());
  }

  #read(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#drainPending();
  }

  #resume(): void {
    if (!this.#isBusy) {
      this.#connection.resume();
      this.#drainPending();
    }
  }

  get #isBusy(): boolean {
    return this.#inFlight >= this.#limits.maxPipelined || this.#connection.writableLength > this.#limits.writeMaxBytes;
  }

  #drainPending(): void {
    let at = 0;
    while (this.#pending.length - at >= 2 && !this.#connection.destroyed) {
      if (this.#isBusy) {
        this.#connection.pause();
        break;
      }
      const length = this.#pending.readUInt16BE(at);
      if (this.#pending.length - at - 2 < length) break;
      this.#answer(this.#pending.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    if (at > 0) {
      this.#pending = this.#pending.subarray(at);
      this.#cancelIdle();
      this.#cancelIdle = this.#startIdle();
    }
  }

  #answer(message: Uint8Array): void {
    const answer = this.#options.answers.answerOrTransfer(message, this.#ends, this.#options.isSecret);
    if (answer === undefined) this.#connection.destroy();
    else if (answer instanceof Uint8Array) this.#write(answer);
    else {
      this.#inFlight++;
      const done =
        answer instanceof Promise
          ? answer.then((resolved) => resolved !== undefined && this.#write(resolved))
          : this.#transfer(answer);
      done
        .catch((error: unknown) => this.#options.log('error', 'DNS query failed', { error }))
        .finally(() => {
          this.#inFlight--;
          this.#resume();
          this.#endWhenDone();
        });
    }
  }

  /** Sends one message after the other, each when the kernel has taken the one before: a reader sets the pace. */
  async #transfer(messages: Generator<Uint8Array, void, undefined>): Promise<void> {
    try {
      for (const message of messages) {
        this.#cancelIdle();
        this.#cancelIdle = this.#startIdle();
        await new Promise<void>((resolve) => this.#write(message, resolve));
        if (this.#connection.destroyed) return;
      }
    } finally {
      messages.return();
    }
  }

  /** No more queries are read; the connection ends with the answers to those that were. */
  drain(): void {
    this.#hasEnded = true;
    this.#connection.pause();
    this.#endWhenDone();
  }

  #write(answer: Uint8Array, done?: () => void): void {
    if (this.#connection.destroyed) {
      done?.();
      return;
    }
    const frame = Buffer.allocUnsafe(2 + answer.length);
    frame.writeUInt16BE(answer.length, 0);
    frame.set(answer, 2);
    this.#connection.write(frame, () => done?.());
  }

  #endWhenDone(): void {
    if (this.#hasEnded && this.#inFlight === 0) this.#connection.end();
  }
}
