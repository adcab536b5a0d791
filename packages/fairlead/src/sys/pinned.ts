import { SysError } from './sys-error.ts';

/**
 * Memory the kernel may write to. The backing store of an ArrayBuffer never moves, and the
 * object is kept for the module's lifetime, so the address stays valid until the process ends.
 * Allocate at start, not per connection: it is never freed.
 */
export class PinnedBuffer {
  /** The bytes, for reading and writing in TypeScript. */
  readonly bytes: Buffer<ArrayBuffer>;
  readonly length: number;
  /** Only `sys` reads this. NaN in a process without FFI. */
  address: number;

  constructor(lengthBytes: number) {
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes <= 0) {
      throw new SysError('bad-argument', `pinned buffer of ${lengthBytes} bytes`);
    }
    this.bytes = Buffer.from(new ArrayBuffer(lengthBytes));
    this.length = lengthBytes;
    this.address = addressOf(this.bytes);
    KEPT.push(this);
  }
}

const KEPT: PinnedBuffer[] = [];
let addressOf: (bytes: Uint8Array) => number = () => Number.NaN;

/**
 * Called by `libc.ts` once it is loaded, which also gives the buffers made before their addresses. So this
 * module needs no FFI by itself: without it a buffer is ordinary memory.
 */
export function provideAddresses(provider: (bytes: Uint8Array) => number): void {
  addressOf = provider;
  for (const buffer of KEPT) buffer.address = provider(buffer.bytes);
}
