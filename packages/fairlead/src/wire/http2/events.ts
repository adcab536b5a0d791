import { FieldList } from './field-list.ts';
import { type MessageShape, messageShape } from './message-rules.ts';
import type { Http2Stream } from './stream.ts';

/** What happens on a connection. Calls come from within {@link Http2Connection.feed}; ranges and lists end with the call. */
export interface Http2Events<Owner> {
  /** A request (server) or a final response (client) begins. It is well-formed. */
  onHead(stream: Http2Stream<Owner>, fields: FieldList, shape: MessageShape, endStream: boolean): void;
  /** A response with a status below 200. */
  onInterim(stream: Http2Stream<Owner>, fields: FieldList, shape: MessageShape): void;
  /** Content. Counts against the windows until {@link Http2Connection.consume}. */
  onData(stream: Http2Stream<Owner>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  /** Trailers, and with them the end. */
  onTrailers(stream: Http2Stream<Owner>, fields: FieldList): void;
  /** The stream ended early: reset by the peer, by a rule of the protocol, or with the connection. It is gone. */
  onReset(stream: Http2Stream<Owner>, code: number): void;
  /** A stream that could not send everything may go on. */
  onWritable(stream: Http2Stream<Owner>): void;
  /** The peer takes no streams beyond those it has. Own streams above its limit get onReset(REFUSED_STREAM). */
  onGoaway(code: number): void;
  /** The connection broke a rule. GOAWAY is in the output; send it and close. */
  onConnectionError(code: number, reason: string): void;
}

/** What connections of one thread share, because no call outlives an event. */
export interface Http2Scratch {
  readonly fields: FieldList;
  readonly shape: MessageShape;
}

/** Makes the shared memory. */
export function http2Scratch(maxHeaderListBytes?: number): Http2Scratch {
  return { fields: new FieldList(maxHeaderListBytes), shape: messageShape() };
}
