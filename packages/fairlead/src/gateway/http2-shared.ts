import { PinnedBuffer } from '../sys/pinned.ts';
import { ResponseHead } from '../wire/http1/response-head.ts';
import { type Http2Scratch, http2Scratch } from '../wire/http2/events.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import { OutputBuffer } from '../wire/http2/output-buffer.ts';
import type { Http2Session } from './http2-session.ts';

const OUTPUT_BYTES = 128 * 1024;

/** Memory that all HTTP/2 connections of a worker share, because callbacks never nest. */
export class Http2Shared {
  readonly scratch: Http2Scratch = http2Scratch();
  readonly pinned: PinnedBuffer = new PinnedBuffer(OUTPUT_BYTES);
  readonly out: OutputBuffer = new OutputBuffer(this.pinned.bytes);
  /** Fields to send. */
  readonly fields: FieldList = new FieldList();
  readonly head: ResponseHead = new ResponseHead();
  /** Input of a session, moved away because the exchanges get theirs in the reactor's buffer. */
  input: Buffer = Buffer.alloc(64 * 1024);
  readonly sessions: Set<Http2Session> = new Set();
}
