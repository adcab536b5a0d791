import type { Clock } from '../../sys/clock.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import { rrType } from '../../wire/dns/constants.ts';
import { padAnswer } from './padding.ts';
import { handOff, type QueryAnswerer } from './query-answerer.ts';
import type { ZoneTransfers } from './zone-transfer.ts';

/** What {@link StreamAnswers} works with. */
export interface StreamAnswersOptions {
  readonly answerer: QueryAnswerer;
  /** Answers what the table cannot. */
  readonly resolve: (message: Uint8Array, client: SocketAddress) => Promise<Uint8Array | undefined>;
  /** Whole zones, for clients that the answerer hands over; absent: none. */
  readonly transfers?: ZoneTransfers | undefined;
  readonly clock: Clock;
}

/** What becomes of a query: nothing, an answer at once or later, or a zone in many messages. */
export type StreamAnswer =
  | undefined
  | Uint8Array
  | Promise<Uint8Array | undefined>
  | Generator<Uint8Array, void, undefined>;

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
    this.#options.answerer.allowsTransfer = false;
    return this.#finish(this.#lookUp(message, client), message, client, isSecret);
  }

  /** The same for connections that may carry many messages for one query (TCP, TLS). */
  answerOrTransfer(message: Uint8Array, client: SocketAddress, isSecret: boolean): StreamAnswer {
    const { answerer, transfers } = this.#options;
    answerer.allowsTransfer = transfers !== undefined;
    const length = this.#lookUp(message, client);
    const { qtype } = answerer.query;
    if (length === handOff && (qtype === rrType.AXFR || qtype === rrType.IXFR)) {
      return transfers?.answer(Uint8Array.from(message));
    }
    return this.#finish(length, message, client, isSecret);
  }

  #lookUp(message: Uint8Array, client: SocketAddress): number {
    const { answerer, clock } = this.#options;
    answerer.nowSeconds = Math.floor(clock.now() / 1000);
    encodeSocketAddress(client, this.#peer);
    return answerer.answer(message, 0, message.length, this.#output, 0, this.#output.length);
  }

  #finish(
    length: number,
    message: Uint8Array,
    client: SocketAddress,
    isSecret: boolean,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { answerer } = this.#options;
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
