import type { Connection } from '../reactor/reactor.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import type { MessageCommands } from './http2-sender.ts';
import type { ProxyCore } from './proxy-core.ts';

/** A stream as an exchange sees it: of HTTP/2 or of HTTP/3. */
export interface ExchangeStream {
  owner: Http2Exchange | undefined;
  /** The client has sent everything, or nothing more of it is wanted. */
  readonly remoteEnded: boolean;
}

/** What can be done with a stream. Error codes are those of HTTP/2 (RFC 9113 7). */
export interface StreamCommands extends MessageCommands<ExchangeStream> {
  /** Content that was dealt with: as much more may come. */
  consume(stream: ExchangeStream, length: number): void;
  reset(stream: ExchangeStream, code: number): void;
}

/** A client's connection with several streams, each of which carries an exchange. */
export interface ExchangeSession {
  readonly core: ProxyCore;
  /** For logs. */
  readonly protocol: 'HTTP/2.0' | 'HTTP/3.0';
  readonly shared: { readonly fields: FieldList; readonly responseHead: ResponseHead };
  readonly connection: Pick<Connection, 'tls' | 'isCongested'>;
  /** Commands of its protocol. */
  readonly http2: StreamCommands;
  flush(): void;
  /** Makes sure that the exchanges' deadlines are looked at by then. */
  noteDeadline(atMs: number): void;
  /** Takes an exchange back once its stream is over. */
  finished(exchange: Http2Exchange): void;
}
