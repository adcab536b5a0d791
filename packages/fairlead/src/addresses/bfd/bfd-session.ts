import type { Clock, Random } from '../../sys/clock.ts';
import type { BfdPacket, BfdState } from '../../wire/bfd/bfd-packet.ts';
import {
  type BfdCause,
  type BfdTimes,
  type BfdVariables,
  closeBfd,
  detectionTimeMs,
  expireBfd,
  jittered,
  newBfdSession,
  packetOf,
  receiveBfd,
  transmitIntervalMs,
} from './bfd-machine.ts';

/** What a session needs, and whom it tells. */
export interface BfdSessionOptions {
  readonly times: BfdTimes;
  /** Number of the session here; not 0. */
  readonly discriminator: number;
  readonly clock: Clock;
  readonly random: Random;
  send(packet: BfdPacket): void;
  onState(state: BfdState, cause: BfdCause): void;
}

/** A turn of the event loop: packets that wait in the socket are read before silence is believed. */
const graceMs = 1;

/** One session with a peer on the link: asynchronous mode, active role, no echo, no authentication. */
export class BfdSession {
  readonly #options: BfdSessionOptions;
  #session: BfdVariables;
  #heardAtMs = 0;
  #lastIntervalMs: number | undefined;
  #cancelSend: () => void = () => {};
  #cancelDetection: () => void = () => {};

  constructor(options: BfdSessionOptions) {
    this.#options = options;
    this.#session = newBfdSession(options.times, options.discriminator);
    this.#transmit();
  }

  get state(): BfdState {
    return this.#session.state;
  }

  /** A packet for this session. */
  receive(packet: BfdPacket): void {
    if (this.#session.state === 'AdminDown') return;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    const { session, cause } = receiveBfd(this.#session, packet);
    this.#become(session, cause);
    this.#watch();
    if (packet.poll) this.#options.send(packetOf(this.#session, true));
  }

  /** Tells the peer and ends. */
  stop(): void {
    this.#cancelDetection();
    this.#cancelSend();
    if (this.#session.state === 'AdminDown') return;
    this.#session = closeBfd(this.#session);
    this.#options.send(packetOf(this.#session, false));
  }

  #become(next: BfdVariables, cause: BfdCause): void {
    const before = this.#session.state;
    this.#session = next;
    // A shorter interval begins at once: the peer already counts by it.
    const interval = transmitIntervalMs(next);
    const sooner = interval !== undefined && (this.#lastIntervalMs === undefined || interval < this.#lastIntervalMs);
    if (before !== next.state || sooner) this.#transmit();
    if (before !== next.state) this.#options.onState(next.state, cause);
  }

  #transmit(): void {
    this.#cancelSend();
    this.#options.send(packetOf(this.#session, false));
    this.#schedule();
  }

  #schedule(): void {
    const interval = transmitIntervalMs(this.#session);
    this.#lastIntervalMs = interval;
    if (interval === undefined) {
      this.#cancelSend = () => {};
      return;
    }
    const { clock, random } = this.#options;
    this.#cancelSend = clock.after(jittered(interval, this.#session, random()), () => this.#transmit());
  }

  #watch(): void {
    this.#cancelDetection();
    const detection = detectionTimeMs(this.#session);
    if (detection === undefined) return;
    const { clock } = this.#options;
    const look = (): void => {
      const leftMs = this.#heardAtMs + detection - clock.monotonicMs();
      this.#cancelDetection = leftMs > 0 ? clock.after(leftMs, look) : clock.after(graceMs, () => this.#expire());
    };
    this.#cancelDetection = clock.after(detection, look);
  }

  #expire(): void {
    this.#become(expireBfd(this.#session), 'detection time expired');
  }
}
