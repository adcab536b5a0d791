import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';

/** Opcodes (RFC 6455 5.2). */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** One frame of a WebSocket. */
export interface WebSocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** A client's frame: masked. `reserved` are the three bits that extensions may use. */
export function clientFrame(opcode: number, payload: Uint8Array | string, isFinal = true, reserved = 0): Buffer {
  const content = Buffer.from(payload as Uint8Array);
  const { length } = content;
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const size =
    length < 126
      ? Buffer.of(first, 0x80 | length)
      : Buffer.alloc(length < 65_536 ? 4 : 10, Buffer.of(first, 0xfe, 0, 0));
  if (length >= 65_536) {
    size.fill(0, 2);
    size[1] = 0xff;
    size.writeUIntBE(length, 4, 6);
  } else if (length >= 126) size.writeUInt16BE(length, 2);
  const mask = randomBytes(4);
  for (let i = 0; i < length; i++) content[i]! ^= mask[i & 3]!;
  return Buffer.concat([size, mask, content]);
}

/** Reads the frames that a server sends. */
export class FrameCollector {
  readonly frames: WebSocketFrame[] = [];
  hasEnded = false;
  #pending: Buffer = Buffer.alloc(0);
  #changed: () => void = () => {};

  constructor(stream: Duplex, first: Buffer = Buffer.alloc(0)) {
    this.#take(first);
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    const end = (): void => {
      this.hasEnded = true;
      this.#changed();
    };
    stream.on('end', end);
    stream.on('close', end);
    stream.on('error', end);
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const bytes = this.#pending;
      if (bytes.length < 2) break;
      const short = bytes[1]! & 127;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < head) break;
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? bytes.readUIntBE(4, 6) : short;
      if (bytes.length < head + length) break;
      const payload = bytes.subarray(head, head + length);
      this.frames.push({ opcode: bytes[0]! & 15, isFinal: (bytes[0]! & 128) !== 0, payload });
      this.#pending = bytes.subarray(head + length);
    }
    this.#changed();
  }

  /** Resolves when so many frames have come, or the stream has ended. */
  async until(count: number): Promise<readonly WebSocketFrame[]> {
    while (this.frames.length < count && !this.hasEnded) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed = resolve;
      await promise;
    }
    return this.frames;
  }

  /** Resolves when the stream has ended. */
  async end(): Promise<readonly WebSocketFrame[]> {
    await this.until(Number.MAX_SAFE_INTEGER);
    return this.frames;
  }
}
