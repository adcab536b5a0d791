// Hot path: entered and left by every request.
import { StatusError } from './status-error.ts';

/** How many requests may be worked on at the same time; watches and other streams do not count. */
export interface InFlightLimits {
  /** get, list. */
  readonly readOnly: number;
  /** Everything else. */
  readonly mutating: number;
}

/** The limits of a Kubernetes server. */
export const defaultInFlightLimits: InFlightLimits = { readOnly: 400, mutating: 200 };

/** Bounds the requests in work; more are refused at once, so that the server stays responsive. */
export class InFlight {
  readonly #limits: InFlightLimits;
  #readOnly = 0;
  #mutating = 0;
  #refused = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** Requests refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  get current(): InFlightLimits {
    return { readOnly: this.#readOnly, mutating: this.#mutating };
  }

  /** Takes a place, or throws 429 with `Retry-After`. Call the result once when the request is over. */
  enter(method: string): () => void {
    if (method === 'GET' || method === 'HEAD') {
      if (this.#readOnly >= this.#limits.readOnly) throw this.#refusal();
      this.#readOnly++;
      return () => {
        this.#readOnly--;
      };
    }
    if (this.#mutating >= this.#limits.mutating) throw this.#refusal();
    this.#mutating++;
    return () => {
      this.#mutating--;
    };
  }

  #refusal(): StatusError {
    this.#refused++;
    return new StatusError(
      429,
      'TooManyRequests',
      'Too many requests, please try again later.',
      { retryAfterSeconds: 1 },
      { headers: { 'retry-after': '1' } },
    );
  }
}
