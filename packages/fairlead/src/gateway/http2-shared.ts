import { PinnedBuffer } from '../sys/pinned.ts';
import { RequestHead } from '../wire/http1/request-head.ts';
import { ResponseHead } from '../wire/http1/response-head.ts';
import { type Http2Scratch, http2Scratch } from '../wire/http2/events.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import type { OutputMemory } from '../wire/http2/output-buffer.ts';
import type { Http2Session } from './http2-session.ts';

/** Of one piece: frames of one read, and what came before them. */
const PIECE_BYTES = 80 * 1024;
/** Beyond, connections that write in the same turn use memory that is copied once more. */
const PIECES_MAX = 64;
const SPARE_PIECE_BYTES = 4096;

/** Memory that the kernel can read, lent to connections from the first frame until they send. */
class FrameMemory implements OutputMemory {
  readonly #free: PinnedBuffer[] = [];
  readonly #pieces = new Map<Uint8Array, PinnedBuffer>();

  take(): Uint8Array {
    const free = this.#free.pop();
    if (free !== undefined) return free.bytes;
    if (this.#pieces.size >= PIECES_MAX) return new Uint8Array(SPARE_PIECE_BYTES);
    const piece = new PinnedBuffer(PIECE_BYTES);
    this.#pieces.set(piece.bytes, piece);
    return piece.bytes;
  }

  give(bytes: Uint8Array): void {
    const piece = this.#pieces.get(bytes);
    if (piece !== undefined) this.#free.push(piece);
  }

  /** The piece behind lent memory; undefined for memory of another origin. */
  pieceOf(bytes: Uint8Array): PinnedBuffer | undefined {
    return this.#pieces.get(bytes);
  }
}

/** Memory that all HTTP/2 connections of a worker share, because callbacks never nest. */
export class Http2Shared {
  readonly scratch: Http2Scratch = http2Scratch();
  readonly frames: FrameMemory = new FrameMemory();
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
