import type { Clock } from '../../sys/clock.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import { padAnswer } from './padding.ts';
import { handOff, type QueryAnswerer } from './query-answerer.ts';

/** What {@link StreamAnswers} works with. */
export interface StreamAnswersOptions {
  readonly answerer: QueryAnswerer;
  /** Answers what the table cannot. */
  readonly resolve: (message: Uint8Array, client: SocketAddress) => Promise<Uint8Array | undefined>;
  readonly clock: Clock;
}

/** Answers queries that come over streams (TCP, TLS, HTTPS), in the main thread. */
export class StreamAnswers {
  readonly #options: StreamAnswersOptions;
  readonly #output: Uint8Array = new Uint8Array(65535);
  readonly #peer: Uint8Array = new Uint8Array(32);

  constructor(options: StreamAnswersOptions) {
    this.#options = options;
    options.answerer.peer = this.#peer;
  }

  /**
   * The answer to one query, at once or later; `undefined`: the query deserves none. `isSecret`: padded
   * for those who ask for it (RFC 8467), because the connection is encrypted.
   */
  answer(
    message: Uint8Array,
    client: SocketAddress,
    isSecret: boolean,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { answerer, clock } = this.#options;
    answerer.nowSeconds = Math.floor(clock.now() / 1000);
    encodeSocketAddress(client, this.#peer);
    const length = answerer.answer(message, 0, message.length, this.#output, 0, this.#output.length);
    if (length === 0) return undefined;
    const isPadded = isSecret && answerer.query.hasOpt && answerer.query.hasPadding;
    if (length === handOff) {
      const resolved = this.#options.resolve(Uint8Array.from(message), client);
      return isPadded ? resolved.then((answer) => answer && padAnswer(answer)) : resolved;
    }
    const answer = this.#output.slice(0, length);
    return isPadded ? padAnswer(answer) : answer;
  }
}
