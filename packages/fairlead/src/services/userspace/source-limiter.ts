import type { Clock } from '../../sys/clock.ts';
import type { SourceLimits } from '../program.ts';

/** Client addresses remembered at a time; without connections the oldest is forgotten first. */
const SOURCES_MAX = 65_536;
const UNIT_MS: Readonly<Record<'second' | 'minute' | 'hour', number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
};

interface Source {
  connections: number;
  /** New connections that may come at once, as of `countedMs`. */
  tokens: number;
  countedMs: number;
}

/** Bounds of one Service port for each client address: connections at a time, and new ones per time. */
export class SourceLimiter {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Source>();
  #limits: SourceLimits | undefined;

  constructor(clock: Clock, limits: SourceLimits | undefined) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Changes the bounds; connections that are there count on. */
  update(limits: SourceLimits | undefined): void {
    this.#limits = limits;
  }

  /** Counts a new connection, or refuses it. Each one admitted is to be {@link release}d. */
  admit(client: string): boolean {
    const limits = this.#limits;
    const known = this.#sources.get(client);
    if (limits === undefined && known === undefined) return true;
    const nowMs = this.#clock.monotonicMs();
    const source = known ?? { connections: 0, tokens: limits?.newConnections?.burst ?? 0, countedMs: nowMs };
    if (limits?.maxConnections !== undefined && source.connections >= limits.maxConnections) return false;
    if (limits?.newConnections !== undefined) {
      const { count, per, burst } = limits.newConnections;
      source.tokens = Math.min(burst, source.tokens + ((nowMs - source.countedMs) * count) / UNIT_MS[per]);
      source.countedMs = nowMs;
      if (source.tokens < 1) {
        this.#remember(client, source);
        return false;
      }
      source.tokens--;
    }
    source.connections++;
    this.#remember(client, source);
    return true;
  }

  #remember(client: string, source: Source): void {
    this.#sources.delete(client);
    this.#sources.set(client, source);
    if (this.#sources.size <= SOURCES_MAX) return;
    for (const [key, old] of this.#sources) {
      if (old.connections > 0) continue;
      this.#sources.delete(key);
      return;
    }
  }

  /** A connection that was admitted has ended. */
  release(client: string): void {
    const source = this.#sources.get(client);
    if (source === undefined) return;
    source.connections = Math.max(0, source.connections - 1);
    if (source.connections === 0 && this.#limits?.newConnections === undefined) this.#sources.delete(client);
  }
}
