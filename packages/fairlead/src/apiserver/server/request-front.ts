// Hot path: every request of a socket passes here, whatever its protocol.
import type { IncomingHttpHeaders } from 'node:http';
import type { ApiAnswer, UserInfo } from './api-request.ts';
import { authenticate, type TokenAuthenticator } from './authenticate.ts';
import type { Departure } from './departure.ts';
import type { Pipeline } from './pipeline.ts';
import { StatusError } from './status-error.ts';

/** Largest request body in bytes; as the real server. */
const maxBodyBytes = 3 * 1024 * 1024;
const nothing = new Uint8Array(0);

/** A request as its protocol has read it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly user: UserInfo;
  readonly departure: Departure;
  readonly sourceAddress: string | undefined;
}

/** What a {@link RequestFront} works with. */
export interface RequestFrontOptions {
  readonly pipeline: Pick<Pipeline, 'handle'>;
  readonly tokens: readonly TokenAuthenticator[];
  /** Audiences a token must be for. */
  readonly audiences: readonly string[];
}

/** What all protocols have in common: who sends a request, and who answers it. */
export class RequestFront {
  readonly #options: RequestFrontOptions;

  constructor(options: RequestFrontOptions) {
    this.#options = options;
  }

  /** The user of a request; throws 401. Before its body is read, so that nobody unknown makes us keep one. */
  identify(certificateUser: UserInfo | undefined, headers: IncomingHttpHeaders): UserInfo {
    const { tokens, audiences } = this.#options;
    return authenticate(certificateUser, headers.authorization, tokens, audiences);
  }

  /** Carries a request out. */
  answer(received: ReceivedRequest): Promise<ApiAnswer> {
    const { method, target, headers, body, user, departure, sourceAddress } = received;
    const mark = target.indexOf('?');
    return this.#options.pipeline.handle({
      method,
      path: mark < 0 ? target : target.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
      headers,
      body,
      user,
      get signal() {
        return departure.signal;
      },
      ...(sourceAddress === undefined ? undefined : { sourceAddress }),
    });
  }
}

/** A body while it arrives. */
export class ReceivedBody {
  #first: Uint8Array | undefined;
  #others: Uint8Array[] | undefined;
  #length = 0;

  /** Keeps a piece, without copying it; throws 413 when that makes the body too large. */
  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > maxBodyBytes) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
    }
    if (this.#first === undefined) this.#first = piece;
    else if (this.#others === undefined) this.#others = [this.#first, piece];
    else this.#others.push(piece);
  }

  /** The whole of it. */
  get bytes(): Uint8Array {
    return this.#others === undefined ? (this.#first ?? nothing) : Buffer.concat(this.#others, this.#length);
  }
}
