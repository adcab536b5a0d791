import type { Connection } from '../reactor/reactor.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import { RequestHead } from '../wire/http1/request-head.ts';
import { ResponseHead } from '../wire/http1/response-head.ts';
import { type Http2Scratch, http2Scratch } from '../wire/http2/events.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import { OutputBuffer } from '../wire/http2/output-buffer.ts';
import type { Http2Session } from './http2-session.ts';

const OUTPUT_BYTES = 128 * 1024;

/** No memory until there is something to send. */
export function connectionOutput(): OutputBuffer {
  return new OutputBuffer(new Uint8Array(0));
}

/** Frames of one connection until they are sent, in memory that the kernel can read. */
class FrameOutput {
  readonly out: OutputBuffer;
  readonly #pinned = new PinnedBuffer(OUTPUT_BYTES);

  constructor() {
    this.out = new OutputBuffer(this.#pinned.bytes);
  }

  /** Forgets what an exception may have left behind: nobody else may send it. */
  begin(): OutputBuffer {
    this.out.clear();
    return this.out;
  }

  sendTo(connection: Connection): void {
    const { out } = this;
    if (out.length === 0) return;
    if (out.bytes === this.#pinned.bytes) connection.write(this.#pinned, 0, out.length);
    else connection.writeBytes(out.bytes.subarray(0, out.length));
    out.clear();
  }
}

/** Memory that all HTTP/2 connections of a worker share, because callbacks never nest. */
export class Http2Shared {
  readonly scratch: Http2Scratch = http2Scratch();
  /** Of the connection whose input is being read: there is only one at a time. Any other one has its own. */
  readonly feeding: FrameOutput = new FrameOutput();
  /** Fields to send. */
  readonly fields: FieldList = new FieldList();
  readonly requestHead: RequestHead = new RequestHead();
  readonly responseHead: ResponseHead = new ResponseHead();
  /** Input of a connection, moved away because its streams get theirs in the reactor's buffer. */
  input: Buffer = Buffer.alloc(64 * 1024);
  readonly sessions: Set<Http2Session> = new Set();

  /** Moves `[start, end)` of the reactor's input to the start of {@link input}. */
  takeInput(from: Uint8Array, start: number, end: number): void {
    if (this.input.length < end - start) this.input = Buffer.alloc(end - start);
    this.input.set(from.subarray(start, end));
  }
}
