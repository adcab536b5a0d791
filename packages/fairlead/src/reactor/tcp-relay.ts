import { ETIMEDOUT } from '../sys/errno.ts';
import type { EncodedAddress } from '../sys/socket-address.ts';
import type { ConnectionHandler, Reactor, SocketConnection } from './reactor.ts';
import type { TlsConnectOptions } from './tls-transport.ts';

/** Where one client's connection goes, and who hears what becomes of it. */
export interface RelayPlan {
  /** The endpoint to try next; undefined when there is none left, which refuses the client. */
  next(): EncodedAddress | undefined;
  /** What the endpoint gets before the client's bytes (a PROXY protocol header); undefined: nothing. */
  preamble?(): Uint8Array | undefined;
  /** The endpoint given last could not be reached. */
  unreachable(error: number): void;
  /** The endpoint given last has taken the connection. */
  connected(): void;
  /** Over; called once, also when no endpoint was reached. */
  ended(result: RelayResult): void;
}

/** What became of a relayed connection. */
export interface RelayResult {
  /** `idle`: nothing moved for too long; `failed`: a side was reset or lost; `refused`: no endpoint. */
  readonly outcome: 'closed' | 'refused' | 'idle' | 'failed' | 'stopped';
  readonly fromClientBytes: number;
  readonly toClientBytes: number;
}

/** Times of a relay, milliseconds. */
export interface RelayTimes {
  readonly connectMs: number;
  /** Without a byte in either direction; Infinity for ever. Coarse: up to a quarter later. */
  readonly idleMs: number;
}

/** The client's side is also the relay itself: one object less per connection. */
export class TcpRelay implements ConnectionHandler {
  readonly #reactor: Reactor;
  readonly #client: SocketConnection;
  readonly #plan: RelayPlan;
  readonly #times: RelayTimes;
  readonly #tls: TlsConnectOptions | undefined;
  #upstream: SocketConnection | undefined = undefined;
  #isConnected = false;
  #clientEnded = false;
  #upstreamEnded = false;
  #isOver = false;
  #movedBytes = 0;
  #movedMs = 0;

  /** Begins to connect at once. Install it as the client's handler. */
  constructor(reactor: Reactor, client: SocketConnection, plan: RelayPlan, times: RelayTimes, tls?: TlsConnectOptions) {
    this.#reactor = reactor;
    this.#client = client;
    this.#plan = plan;
    this.#times = times;
    this.#tls = tls;
    this.#connectNext();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #connectNext(): void {
    const address = this.#plan.next();
    if (address === undefined) {
      // A refusal is what the kernel would give; an orderly close looks like an empty answer.
      this.#client.reset();
      this.#over('refused');
      return;
    }
    const upstream = this.#reactor.connect(address, new UpstreamSide(this), this.#tls, this.#plan.preamble?.());
    this.#upstream = upstream;
    upstream.setDeadline(this.#reactor.nowMs + this.#times.connectMs);
  }

  /** The endpoint took the connection. */
  onUpstreamConnected(): void {
    const client = this.#client;
    const upstream = this.#upstream!;
    this.#isConnected = true;
    upstream.setDeadline(Infinity);
    this.#plan.connected();
    client.forwardTo(upstream);
    upstream.forwardTo(client);
    client.resumeReading();
    if (this.#clientEnded) upstream.endWriting();
    this.#movedMs = this.#reactor.nowMs;
    if (this.#times.idleMs !== Infinity) client.setDeadline(this.#reactor.nowMs + this.#times.idleMs / 4);
  }

  onUpstreamFailed(error: number): void {
    if (this.#isOver) return;
    if (this.#isConnected) {
      this.#client.reset();
      this.#over('failed');
      return;
    }
    this.#plan.unreachable(error);
    this.#connectNext();
  }

  onUpstreamTimeout(): void {
    if (this.#isOver || this.#isConnected) return;
    this.#upstream!.close();
    this.onUpstreamFailed(-ETIMEDOUT);
  }

  onUpstreamEnd(): void {
    this.#upstreamEnded = true;
    if (this.#clientEnded) this.#close();
    else this.#client.endWriting();
  }

  // The client's side.

  onConnected(): void {}

  onData(start: number, end: number): void {
    // Nobody to take it yet: one read is kept, the rest stays in the kernel.
    this.#client.retain(start, end);
    this.#client.pauseReading();
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (!this.#isConnected) return;
    if (this.#upstreamEnded) this.#close();
    else this.#upstream!.endWriting();
  }

  onDrained(): void {}

  onTimeout(): void {
    if (this.#isOver || !this.#isConnected) return;
    const { nowMs } = this.#reactor;
    const moved = this.#client.bytesRead + this.#upstream!.bytesRead + this.#client.bytesWritten;
    if (moved !== this.#movedBytes) {
      this.#movedBytes = moved;
      this.#movedMs = nowMs;
    } else if (nowMs - this.#movedMs >= this.#times.idleMs) {
      this.#client.close();
      this.#upstream!.close();
      this.#over('idle');
      return;
    }
    this.#client.setDeadline(nowMs + this.#times.idleMs / 4);
  }

  onFailed(): void {
    if (this.#isOver) return;
    this.#upstream?.reset();
    this.#over('failed');
  }

  /** Breaks off. */
  stop(): void {
    if (this.#isOver) return;
    this.#client.reset();
    this.#upstream?.reset();
    this.#over('stopped');
  }

  /** Both ends have said all: what is queued still goes out. */
  #close(): void {
    this.#client.closeGracefully();
    this.#upstream!.closeGracefully();
    this.#over('closed');
  }

  #over(outcome: RelayResult['outcome']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#plan.ended({
      outcome,
      fromClientBytes: this.#client.bytesRead,
      toClientBytes: this.#client.bytesWritten,
    });
  }
}

/** Callbacks of the endpoint's connection. */
class UpstreamSide implements ConnectionHandler {
  readonly #relay: TcpRelay;

  constructor(relay: TcpRelay) {
    this.#relay = relay;
  }

  onConnected(): void {
    this.#relay.onUpstreamConnected();
  }

  onData(): void {}

  onEnd(): void {
    this.#relay.onUpstreamEnd();
  }

  onDrained(): void {}

  onTimeout(): void {
    this.#relay.onUpstreamTimeout();
  }

  onFailed(error: number): void {
    this.#relay.onUpstreamFailed(error);
  }
}
