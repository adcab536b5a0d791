// Hot path: one subtraction per suspicious frame.

/** A bucket of tokens: `burst` at first, `perSecond` new ones. */
class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledMs = -1;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  take(nowMs: number): boolean {
    if (this.#filledMs < 0) this.#filledMs = nowMs;
    if (--this.#tokens >= 0) return true;
    const gained = ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
    this.#filledMs = nowMs;
    this.#tokens = Math.min(this.#burst, gained) - 1;
    return this.#tokens >= 0;
  }
}

/** Header blocks: most CONTINUATION frames, and most bytes before decoding. */
export const CONTINUATIONS_MAX = 16;
export const BLOCK_MAX_BYTES: number = 64 * 1024;

/** WINDOW_UPDATE frames allowed at once, and per stream opened or DATA frame sent. */
const WINDOW_UPDATES_FREE = 200;
const WINDOW_UPDATES_PER_REASON = 10;

/**
 * Counts what costs us more than it costs the peer. Each method returns false once the peer
 * overdoes it, which ends the connection with ENHANCE_YOUR_CALM.
 */
export class FloodGuard {
  /** Monotonic ms of the input being read. */
  nowMs: number = 0;
  /** DATA frames sent, and streams opened: either gives reason for WINDOW_UPDATE frames. */
  reasonsForUpdates: number = 0;
  /** Streams ended early by either side: rapid reset (CVE-2023-44487) and resets provoked from us (CVE-2025-8671). */
  readonly #resets = new Bucket(500, 100);
  /** PING, SETTINGS, PRIORITY, unknown frames and frames that carry nothing. */
  readonly #control = new Bucket(2000, 1000);
  #windowUpdates = 0;

  onReset(): boolean {
    return this.#resets.take(this.nowMs);
  }

  onControl(): boolean {
    return this.#control.take(this.nowMs);
  }

  onWindowUpdate(): boolean {
    return ++this.#windowUpdates <= WINDOW_UPDATES_FREE + this.reasonsForUpdates * WINDOW_UPDATES_PER_REASON;
  }
}
