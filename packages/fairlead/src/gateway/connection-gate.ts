// Hot path: admit() and release() run once per connection.
import type { ConnectionGate } from '../reactor/reactor.ts';
import type { SocketAddress } from '../sys/socket-address.ts';

/** How many client connections a gateway takes. */
export interface ConnectionLimits {
  /** In all; each worker has its share. */
  readonly connectionsMax: number;
  /** For each client address, in each worker: a client's connections spread over the workers. */
  readonly perClientMax: number;
  /**
   * TLS handshakes at a time, in each worker: they are not paid for yet. More than the connections that a client may have,
   * so that one alone cannot use them up, and more than the clients that come back at a time after an interruption:
   * handshakes that wait for their turn cost little, those that are refused come again.
   */
  readonly handshakesMax: number;
  /** Resident memory of the process from which new connections are refused and idle ones closed, bytes. */
  readonly memoryMaxBytes: number;
}

/** Limits unless configured otherwise: far above what a machine of this kind serves. */
export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  connectionsMax: 50_000,
  perClientMax: 10_000,
  handshakesMax: 20_000,
  memoryMaxBytes: Infinity,
};

/** Below this share of the memory limit, shedding ends. */
const RECOVERED = 0.9;

/** Counts the client connections of one worker, and refuses what is too much. */
export class WorkerGate implements ConnectionGate {
  readonly #limits: ConnectionLimits;
  readonly #connectionsMax: number;
  readonly #refused: () => void;
  readonly #byClient = new Map<string, number>();
  #open = 0;
  #isShedding = false;

  /** @param refused is called for each connection refused. */
  constructor(limits: ConnectionLimits, workers: number, refused: () => void) {
    this.#limits = limits;
    this.#connectionsMax = Math.ceil(limits.connectionsMax / workers);
    this.#refused = refused;
  }

  get isShedding(): boolean {
    return this.#isShedding;
  }

  /** Tells the memory in use. While it is too much, idle connections should be closed. */
  noteMemory(residentBytes: number): void {
    const { memoryMaxBytes } = this.#limits;
    this.#isShedding = residentBytes > (this.#isShedding ? memoryMaxBytes * RECOVERED : memoryMaxBytes);
  }

  admit({ address }: SocketAddress, handshakes: number): boolean {
    const ofClient = this.#byClient.get(address) ?? 0;
    if (
      this.#isShedding ||
      this.#open >= this.#connectionsMax ||
      ofClient >= this.#limits.perClientMax ||
      handshakes >= this.#limits.handshakesMax
    ) {
      this.#refused();
      return false;
    }
    this.#open++;
    this.#byClient.set(address, ofClient + 1);
    return true;
  }

  release({ address }: SocketAddress): void {
    this.#open--;
    const left = (this.#byClient.get(address) ?? 1) - 1;
    if (left === 0) this.#byClient.delete(address);
    else this.#byClient.set(address, left);
  }
}
