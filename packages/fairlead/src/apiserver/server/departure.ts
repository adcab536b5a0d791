// Hot path: one per request; hardly any request asks for the signal.

/** Made once: a reason of its own for every client that goes would cost a stack trace each. */
const reason = new DOMException('the client has gone', 'AbortError');

/** Whether the client of a request has gone, as a signal for those who wait for something on its behalf. */
export class Departure {
  #controller: AbortController | undefined;
  #isGone = false;

  /** Aborts when the client goes, or the server stops. Made when it is asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isGone) this.#controller.abort(reason);
    }
    return this.#controller.signal;
  }

  /** The client is gone. Idempotent. */
  depart(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#controller?.abort(reason);
  }
}
