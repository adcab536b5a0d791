import { HeaderReader, type SpdyHeaders } from './header-block.ts';
import { SpdyError } from './spdy-error.ts';

/** A frame from the peer. */
export type SpdyFrame =
  | { readonly type: 'syn-stream'; readonly stream: number; readonly headers: SpdyHeaders; readonly fin: boolean }
  | { readonly type: 'syn-reply'; readonly stream: number; readonly headers: SpdyHeaders; readonly fin: boolean }
  | { readonly type: 'headers'; readonly stream: number; readonly headers: SpdyHeaders; readonly fin: boolean }
  /** `data` is part of the fed bytes: copy what is kept. A frame's data may come in several pieces. */
  | { readonly type: 'data'; readonly stream: number; readonly data: Buffer; readonly fin: boolean }
  | { readonly type: 'reset'; readonly stream: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'go-away' };

const HEAD_BYTES = 8;
const FIN = 1;
/** Control frames hold headers at most. */
const CONTROL_MAX_BYTES = 1 << 20;

/**
 * Splits a byte stream into frames.
 *
 *     control  1|version(15) type(16)   flags(8) length(24)   payload
 *     data     0|stream(31)             flags(8) length(24)   payload
 */
export class FrameReader {
  readonly #onFrame: (frame: SpdyFrame) => void;
  readonly #headers = new HeaderReader();
  #rest: Buffer = Buffer.alloc(0);
  /** The data frame under way. */
  #data: { readonly stream: number; readonly fin: boolean; left: number } | undefined;

  constructor(onFrame: (frame: SpdyFrame) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws SpdyError */
  feed(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let rest: Buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const data = this.#data;
      if (data !== undefined) {
        if (rest.length === 0) break;
        const part = rest.subarray(0, data.left);
        rest = rest.subarray(part.length);
        data.left -= part.length;
        const over = data.left === 0;
        if (over) this.#data = undefined;
        this.#onFrame({ type: 'data', stream: data.stream, data: part, fin: over && data.fin });
        continue;
      }
      if (rest.length < HEAD_BYTES) break;
      const first = rest.readUInt32BE(0);
      const flags = rest[4]!;
      const length = rest.readUIntBE(5, 3);
      if (first < 0x80000000) {
        rest = rest.subarray(HEAD_BYTES);
        const fin = (flags & FIN) !== 0;
        if (length > 0) this.#data = { stream: first, fin, left: length };
        else this.#onFrame({ type: 'data', stream: first, data: Buffer.alloc(0), fin });
        continue;
      }
      if (length > CONTROL_MAX_BYTES) throw new SpdyError(`control frame of ${length} bytes`);
      if (rest.length < HEAD_BYTES + length) break;
      const payload = rest.subarray(HEAD_BYTES, HEAD_BYTES + length);
      rest = rest.subarray(HEAD_BYTES + length);
      this.#control((first >>> 16) & 0x7fff, first & 0xffff, flags, payload);
    }
    this.#rest = rest.length === 0 ? rest : Buffer.from(rest);
  }

  #control(version: number, type: number, flags: number, payload: Buffer): void {
    if (version !== 3) throw new SpdyError(`SPDY version ${version}`);
    const least = leastBytes[type] ?? 0;
    if (payload.length < least) throw new SpdyError(`control frame ${type} of ${payload.length} bytes`);
    const stream = payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fffffff : 0;
    const fin = (flags & FIN) !== 0;
    switch (type) {
      case 1:
        this.#onFrame({ type: 'syn-stream', stream, headers: this.#headers.read(payload.subarray(10)), fin });
        break;
      case 2:
        this.#onFrame({ type: 'syn-reply', stream, headers: this.#headers.read(payload.subarray(4)), fin });
        break;
      case 3:
        this.#onFrame({ type: 'reset', stream, status: payload.readUInt32BE(4) });
        break;
      case 6:
        this.#onFrame({ type: 'ping', id: payload.readUInt32BE(0) });
        break;
      case 7:
        this.#onFrame({ type: 'go-away' });
        break;
      case 8:
        this.#onFrame({ type: 'headers', stream, headers: this.#headers.read(payload.subarray(4)), fin });
        break;
      default:
      // SETTINGS, WINDOW_UPDATE, CREDENTIAL and what is not known: nothing to do.
    }
  }
}

/** Smallest payload by control frame type. */
const leastBytes: Readonly<Record<number, number>> = { 1: 10, 2: 4, 3: 8, 6: 4, 7: 4, 8: 4 };
