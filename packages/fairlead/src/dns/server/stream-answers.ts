import type { Clock } from '../../sys/clock.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import { rrType } from '../../wire/dns/constants.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { padAnswer } from './padding.ts';
import { handOff, type QueryAnswerer } from './query-answerer.ts';
import type { QueryTap } from './query-tap.ts';
import type { ZoneTransfers } from './zone-transfer.ts';

/** What {@link StreamAnswers} works with. */
export interface StreamAnswersOptions {
  readonly answerer: QueryAnswerer;
  /** Answers what the table cannot. */
  readonly resolve: (message: Uint8Array, client: SocketAddress, view: number) => Promise<Uint8Array | undefined>;
  /** Whole zones, for clients that the answerer hands over; absent: none. */
  readonly transfers?: ZoneTransfers | undefined;
  /** Who listens to queries; absent: nobody can. */
  readonly tap?: QueryTap;
  readonly clock: Clock;
}

/** The two ends of a connection. */
export interface StreamEnds {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
}

/** The ends of a connection as the kernel names them; of one that is gone, the unspecified address. */
export function streamEnds(connection: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): StreamEnds {
  const end = (address = '0.0.0.0', port = 0): SocketAddress => ({
    family: address.includes(':') ? 'ipv6' : 'ipv4',
    address,
    port,
  });
  const { remoteAddress, remotePort, localAddress, localPort } = connection;
  return { client: end(remoteAddress, remotePort), server: end(localAddress, localPort) };
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
    ends: StreamEnds,
    isSecret: boolean,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.#options.answerer.allowsTransfer = false;
    return this.#finish(this.#lookUp(message, ends), message, ends.client, isSecret);
  }

  /** The same for connections that may carry many messages for one query (TCP, TLS). */
  answerOrTransfer(message: Uint8Array, ends: StreamEnds, isSecret: boolean): StreamAnswer {
    const { answerer, transfers } = this.#options;
    answerer.allowsTransfer = transfers !== undefined;
    const length = this.#lookUp(message, ends);
    const { qtype } = answerer.query;
    if (length === handOff && (qtype === rrType.AXFR || qtype === rrType.IXFR)) {
      return transfers?.answer(Uint8Array.from(message));
    }
    return this.#finish(length, message, ends.client, isSecret);
  }

  #lookUp(message: Uint8Array, { client, server }: StreamEnds): number {
    const { answerer, clock } = this.#options;
    answerer.nowSeconds = Math.floor(clock.now() / 1000);
    answerer.server = server;
    encodeSocketAddress(client, this.#peer);
    return answerer.answer(message, 0, message.length, this.#output, 0, this.#output.length);
  }

  #tell(length: number, client: SocketAddress): void {
    const { query } = this.#options.answerer;
    if (query.questionEnd === 0) return;
    const name = nameToText(query.name.slice(0, query.nameBytes));
    const code = length === handOff ? -1 : this.#output[3]! & 15;
    this.#options.tap?.tell({ client: client.address, name, type: query.qtype, code, protocol: 'stream' });
  }

  #finish(
    length: number,
    message: Uint8Array,
    client: SocketAddress,
    isSecret: boolean,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { answerer } = this.#options;
    if (length === 0) return undefined;
    if (this.#options.tap?.wants() === true) this.#tell(length, client);
    const isPadded = isSecret && answerer.query.hasOpt && answerer.query.hasPadding;
    if (length === handOff) {
      const resolved = this.#options.resolve(Uint8Array.from(message), client, answerer.view);
      return isPadded ? resolved.then((answer) => answer && padAnswer(answer)) : resolved;
    }
    const answer = this.#output.slice(0, length);
    return isPadded ? padAnswer(answer) : answer;
  }
}
