import { readFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { ApiError } from './api-client.ts';
import { type BackOff, createBackOff } from './back-off.ts';
import { type Clock, pause, type Random } from './clock.ts';
import type { ConnectConfig } from './kubeconfig.ts';

/** Time limits of a session, milliseconds. */
export interface SessionTimes {
  readonly connectTimeoutMs: number;
  /** A ping goes out after this long; a dead peer is noticed `pingTimeoutMs` later. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

type SessionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly promise: Promise<ClientHttp2Session> }
  | { readonly kind: 'ready'; readonly session: ClientHttp2Session }
  | { readonly kind: 'closed' };

// One stalled watch must not stop the others: the connection's window is far larger than a stream's.
const streamWindowBytes = 1 << 20;
const connectionWindowBytes = 1 << 26;

/** With others to try, one that does not answer is not waited for any longer, in milliseconds. */
const connectAmongOthersMs = 3_000;

/**
 * The one HTTP/2 connection to the API, opened when needed and again after it broke: to the server of before, and when
 * that cannot be reached to the next one.
 */
export class HttpSession {
  readonly #config: ConnectConfig;
  readonly #clock: Clock;
  readonly #times: SessionTimes;
  readonly #backOff: BackOff;
  readonly #closing = new AbortController();
  #notBeforeMs = 0;
  /** Which server is in use, or tried first. */
  #turn = 0;
  #state: SessionState = { kind: 'idle' };

  constructor(config: ConnectConfig, clock: Clock, random: Random, times: SessionTimes) {
    this.#config = config;
    this.#clock = clock;
    this.#times = times;
    this.#backOff = createBackOff({ firstMs: 20, maxMs: 1000 }, random);
  }

  /** The open session, or one attempt to open it, shared by all who ask meanwhile. */
  get(): Promise<ClientHttp2Session> {
    const state = this.#state;
    switch (state.kind) {
      case 'ready':
        return Promise.resolve(state.session);
      case 'connecting':
        return state.promise;
      case 'closed':
        return Promise.reject(new ApiError(0, 'Closed', 'the client is closed'));
      case 'idle': {
        const promise = this.#open();
        this.#state = { kind: 'connecting', promise };
        return promise;
      }
    }
  }

  /** The Authorization header, if the configuration has a token. */
  authorization(): string | undefined {
    const { token, tokenFile } = this.#config;
    if (tokenFile !== undefined) return `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#closing.abort();
    const session =
      state.kind === 'ready'
        ? state.session
        : state.kind === 'connecting'
          ? await state.promise.catch(() => undefined)
          : undefined;
    if (session === undefined || session.destroyed) return;
    const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
    session.destroy();
    await closed;
  }

  async #open(): Promise<ClientHttp2Session> {
    const waitMs = this.#notBeforeMs - this.#clock.now();
    if (waitMs > 0) await pause(this.#clock, waitMs, this.#closing.signal);
    try {
      const session = await this.#connectToAny();
      if (this.#state.kind === 'closed') {
        session.destroy();
        throw new ApiError(0, 'Closed', 'the client is closed');
      }
      this.#backOff.reset();
      this.#notBeforeMs = 0;
      this.#state = { kind: 'ready', session };
      this.#keepAlive(session);
      return session;
    } catch (error) {
      this.#notBeforeMs = this.#clock.now() + this.#backOff.nextMs();
      if (this.#state.kind === 'connecting') this.#state = { kind: 'idle' };
      throw error;
    }
  }

  async #connectToAny(): Promise<ClientHttp2Session> {
    const { server, otherServers = [] } = this.#config;
    const servers = [server, ...otherServers];
    const limitMs = this.#times.connectTimeoutMs;
    const timeoutMs = servers.length === 1 ? limitMs : Math.min(limitMs, connectAmongOthersMs);
    let failure: unknown;
    for (let attempt = 0; attempt < servers.length && this.#state.kind !== 'closed'; attempt++) {
      try {
        return await this.#connect(servers[this.#turn]!, timeoutMs);
      } catch (error) {
        failure = error;
        this.#turn = (this.#turn + 1) % servers.length;
      }
    }
    throw failure ?? new ApiError(0, 'Closed', 'the client is closed');
  }

  async #connect(server: string, timeoutMs: number): Promise<ClientHttp2Session> {
    // Here and not with this module: a process that has its API server within itself starts without it.
    const { connect } = await import('node:http2');
    const { ca, clientCertificate, clientKey, insecure, tlsServerName } = this.#config;
    return new Promise((resolve, reject) => {
      const session = connect(server, {
        ...(ca === undefined ? {} : { ca }),
        ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
        ...(clientKey === undefined ? {} : { key: clientKey }),
        ...(insecure === true ? { rejectUnauthorized: false } : {}),
        ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
        settings: { initialWindowSize: streamWindowBytes, enablePush: false },
        maxSessionMemory: 1024,
      });
      const fail = (cause: unknown): void => {
        cancelTimeout();
        session.destroy();
        const why = cause instanceof Error ? cause.message : String(cause);
        reject(new ApiError(0, 'Unreachable', `cannot reach ${server}: ${why}`, { cause }));
      };
      const cancelTimeout = this.#clock.after(timeoutMs, () => fail('connecting timed out'));
      session.once('error', fail);
      session.once('close', () => fail('connection closed'));
      session.once('connect', () => {
        cancelTimeout();
        session.off('error', fail);
        session.removeAllListeners('close');
        session.setLocalWindowSize(connectionWindowBytes);
        resolve(session);
      });
    });
  }

  /** Forgets the session as soon as it cannot take new requests, and finds out when the peer is gone. */
  #keepAlive(session: ClientHttp2Session): void {
    let cancelTimer: () => void = () => undefined;
    const forget = (): void => {
      if (this.#state.kind === 'ready' && this.#state.session === session) this.#state = { kind: 'idle' };
    };
    session.on('error', forget);
    session.on('goaway', forget);
    session.on('close', () => {
      cancelTimer();
      forget();
    });
    const schedule = (): void => {
      cancelTimer = this.#clock.after(this.#times.pingIntervalMs, () => {
        if (session.destroyed) return;
        cancelTimer = this.#clock.after(this.#times.pingTimeoutMs, () => session.destroy());
        const sent = session.ping((error) => {
          cancelTimer();
          if (error === null && !session.destroyed) schedule();
        });
        if (!sent) session.destroy();
      });
    };
    schedule();
  }
}
