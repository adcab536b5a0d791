import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { isGrpc } from '../wire/http2/to-http1.ts';

/** How a request speaks gRPC-Web: not at all, with messages as bytes, or in base64. */
export type GrpcWebKind = 'none' | 'binary' | 'text';

const CONTENT_TYPE = Buffer.from('content-type');
const CONTENT_LENGTH = Buffer.from('content-length');
const GRPC = 'application/grpc';
const WEB = 'application/grpc-web';
/** The name of the type, its kind, and its message format with parameters. */
const WEB_TYPE = /^application\/grpc-web(-text)?(?=$|[+; ])(.*)$/i;

/** The kind of a request, by its content type (grpc/doc/PROTOCOL-WEB.md). The length of base64 is not passed on. */
function grpcWebKind(head: RequestHead): GrpcWebKind {
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, CONTENT_TYPE)) continue;
    const [start, end] = [head.valueStart(index), head.valueEnd(index)];
    // `application/grpc-web` at least; anything else costs one look at its length.
    if (end - start < WEB.length) return 'none';
    const match = WEB_TYPE.exec(Buffer.from(head.bytes.subarray(start, end)).toString('latin1'));
    if (match === null) return 'none';
    if (match[1] === undefined) return 'binary';
    for (let i = 0; i < head.fieldCount; i++) if (head.isNamed(i, CONTENT_LENGTH)) head.dropped[i] = 1;
    return 'text';
  }
  return 'none';
}

/** Makes a gRPC-Web request's fields those of gRPC: `application/grpc-web-text+proto` → `application/grpc+proto`. */
export function toGrpcType(fields: FieldList): void {
  const index = fields.find(CONTENT_TYPE);
  const match = WEB_TYPE.exec(textOf(fields, index));
  if (match !== null) fields.replaceValue(index, Buffer.from(GRPC + match[2], 'latin1'));
}

/** The other way, for the answer: false if it is not gRPC, and goes on as it is. */
export function toGrpcWebType(fields: FieldList, kind: 'binary' | 'text'): boolean {
  if (!isGrpc(fields)) return false;
  const index = fields.find(CONTENT_TYPE);
  const rest = textOf(fields, index).slice(GRPC.length);
  fields.replaceValue(index, Buffer.from(`${WEB}${kind === 'text' ? '-text' : ''}${rest}`, 'latin1'));
  return true;
}

function textOf(fields: FieldList, index: number): string {
  return Buffer.from(fields.bytes.subarray(fields.value(index), fields.end(index))).toString('latin1');
}

/** First byte of the frame that carries trailers: the highest bit of a message's flags. */
const TRAILER_FLAG = 0x80;

/**
 * The last frame of a gRPC-Web body: flags, length, then the trailers as lines.
 *
 * @param lines each with its CRLF.
 */
function trailerFrame(lines: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + lines.length);
  frame[0] = TRAILER_FLAG;
  frame.writeUInt32BE(lines.length, 1);
  frame.set(lines, 5);
  return frame;
}

/** Base64 of a piece of a body, as bytes. Each piece is padded, so that none waits for the next one. */
export function encodeBase64(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('base64'), 'latin1');
}

const PADDING = 64;
const OTHER = 65;
const VALUES = new Uint8Array(256).fill(OTHER);
for (const [value, char] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  VALUES[char.charCodeAt(0)] = value;
}
VALUES[0x3d] = PADDING;

/**
 * Decodes base64 in any pieces, with padding in the middle too, where one piece of the sender ended
 * (RFC 4648 4, repeated). What breaks the rules is noticed, and nothing behind it is decoded.
 */
export class Base64Decoder {
  /** Some character had no place where it stood. */
  isBroken: boolean = false;
  #bits = 0;
  /** Characters of the group of four that has begun. */
  #count = 0;
  /** `=` that must still come. */
  #padding = 0;

  reset(): void {
    this.isBroken = false;
    this.#beginGroup();
  }

  #beginGroup(): void {
    this.#bits = 0;
    this.#count = 0;
    this.#padding = 0;
  }

  /** No group is unfinished: the text may end here. */
  get isWhole(): boolean {
    return !this.isBroken && this.#count === 0 && this.#padding === 0;
  }

  /** @returns all bytes that are known after `bytes[start, end)`. */
  decode(bytes: Uint8Array, start: number, end: number): Buffer {
    const decoded = Buffer.allocUnsafe(end - start);
    let at = 0;
    for (let i = start; i < end && !this.isBroken; i++) {
      const value = VALUES[bytes[i]!]!;
      if (value === PADDING) {
        // `xx==` or `xxx=`.
        if (this.#padding === 0) this.#padding = this.#count < 2 ? OTHER : 4 - this.#count;
        if (this.#padding === OTHER) this.isBroken = true;
        else if (--this.#padding === 0) this.#beginGroup();
        continue;
      }
      if (value === OTHER || this.#padding > 0) {
        this.isBroken = true;
        break;
      }
      this.#bits = (this.#bits << 6) | value;
      // Four characters are three bytes: one becomes known with each but the first.
      if (++this.#count > 1) decoded[at++] = (this.#bits >> (8 - 2 * this.#count)) & 255;
      if (this.#count === 4) this.#beginGroup();
    }
    return decoded.subarray(0, at);
  }
}

/** What of one exchange has to do with gRPC-Web: what the client speaks, where the endpoint gets gRPC. */
export class GrpcWebExchange {
  kind: GrpcWebKind = 'none';
  #base64: Base64Decoder | undefined = undefined;

  /** Begins with a request's head; true if its type must become that of gRPC ({@link toGrpcType}). */
  begin(head: RequestHead): boolean {
    this.kind = grpcWebKind(head);
    if (this.kind !== 'text') return this.kind !== 'none';
    this.#base64 ??= new Base64Decoder();
    this.#base64.reset();
    return true;
  }

  /** Content for the endpoint, of a request in base64; undefined if it is broken, or ends within a group. */
  decode(bytes: Uint8Array, start: number, end: number, isLast: boolean): Buffer | undefined {
    const decoder = this.#base64!;
    const decoded = decoder.decode(bytes, start, end);
    return decoder.isBroken || (isLast && !decoder.isWhole) ? undefined : decoded;
  }

  /** Content for the client. */
  encode(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return this.kind === 'text' ? encodeBase64(bytes, start, end) : bytes.subarray(start, end);
  }

  /** Content for the client that bears the trailers. */
  encodeTrailers(lines: Uint8Array): Uint8Array {
    const frame = trailerFrame(lines);
    return this.encode(frame, 0, frame.length);
  }
}
