import { type ConnectionHandler, NO_HANDLER } from '../reactor/reactor.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';

/** Who takes the answer. Ranges, head and list are valid during the call. */
export interface AnswerHandler extends ConnectionHandler {
  /** An answer's head, interim or final. */
  onAnswer(head: ResponseHead): void;
  /** Content of the answer; with the last of it its trailers, if it has any. */
  onContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void;
}

/** Nobody. */
export const NO_ANSWER_HANDLER: AnswerHandler = { ...NO_HANDLER, onAnswer() {}, onContent() {} };
