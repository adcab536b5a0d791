// Hot path: one receive() and one send() per batch of datagrams.
import { EINVAL } from './errno.ts';
import { declare, resultOrErrno } from './libc.ts';
import { PinnedBuffer } from './pinned.ts';
import { decodeSocketAddress, encodeSocketAddress, SOCKADDR_MAX_BYTES, type SocketAddress } from './socket-address.ts';

const cRecvmmsg = declare<[number, number, number, number, number]>(
  'int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)',
);
const cSendmmsg = declare<[number, number, number, number]>('int sendmmsg(int, uintptr_t, unsigned int, int)');

/** sizeof(struct mmsghdr) on 64-bit Linux. */
const MMSGHDR_BYTES = 64;
const WORDS = MMSGHDR_BYTES / 4;
const NAME_LENGTH = 2;
const CONTROL_LENGTH = 10;
const FLAGS = 12;
const MESSAGE_LENGTH = 14;
const NAME_BYTES = 32;

/**
 * A fixed array of datagrams with their peers, for recvmmsg(2) and sendmmsg(2).
 *
 *     mmsghdr  name:ptr | namelen:u32 pad | iov:ptr | iovlen:u64 | control:ptr | controllen:u64 | flags:i32 pad | len:u32 pad
 *
 * Datagram i lies in `bytes` at `i * slotBytes`. Everything is laid out once; a receive or
 * send only touches lengths.
 */
export class DatagramBatch {
  readonly capacity: number;
  readonly slotBytes: number;
  /** All slots. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** The memory of {@link bytes}, for other calls that take datagrams. */
  readonly data: PinnedBuffer;
  /** All peers as raw sockaddrs, 32 bytes each, family in the first two. */
  readonly peerBytes: Buffer<ArrayBuffer>;
  readonly #controlBytes: number;
  readonly #control: PinnedBuffer | undefined;
  readonly #names: PinnedBuffer;
  readonly #vectors: PinnedBuffer;
  readonly #headers: PinnedBuffer;
  readonly #headerWords: Uint32Array;
  readonly #vectorWords: Uint32Array;

  /** @param controlBytes room for the control messages of each datagram; 0: none are received or sent */
  constructor(capacity: number, slotBytes: number, controlBytes = 0) {
    this.capacity = capacity;
    this.#controlBytes = controlBytes;
    this.#control = controlBytes === 0 ? undefined : new PinnedBuffer(capacity * controlBytes);
    this.slotBytes = slotBytes;
    this.data = new PinnedBuffer(capacity * slotBytes);
    this.#names = new PinnedBuffer(capacity * NAME_BYTES);
    this.#vectors = new PinnedBuffer(capacity * 16);
    this.#headers = new PinnedBuffer(capacity * MMSGHDR_BYTES);
    this.bytes = this.data.bytes;
    this.peerBytes = this.#names.bytes;
    this.#headerWords = new Uint32Array(this.#headers.bytes.buffer, 0, capacity * WORDS);
    this.#vectorWords = new Uint32Array(this.#vectors.bytes.buffer, 0, capacity * 4);
    for (let i = 0; i < capacity; i++) {
      const header = i * MMSGHDR_BYTES;
      this.#headers.bytes.writeBigUInt64LE(BigInt(this.#names.address + i * NAME_BYTES), header);
      this.#headers.bytes.writeUInt32LE(SOCKADDR_MAX_BYTES, header + 8);
      this.#headers.bytes.writeBigUInt64LE(BigInt(this.#vectors.address + i * 16), header + 16);
      this.#headers.bytes.writeBigUInt64LE(1n, header + 24);
      if (this.#control !== undefined) {
        this.#headers.bytes.writeBigUInt64LE(BigInt(this.#control.address + i * controlBytes), header + 32);
      }
      this.#vectors.bytes.writeBigUInt64LE(BigInt(this.data.address + i * slotBytes), i * 16);
      this.#vectors.bytes.writeBigUInt64LE(BigInt(slotBytes), i * 16 + 8);
    }
  }

  /**
   * recvmmsg(2) into all slots. Returns how many datagrams came, or -errno. `flags` is
   * MSG_DONTWAIT, or MSG_WAITFORONE on a blocking socket. Each slot holds up to `slotBytes`;
   * {@link wasTruncated} tells of longer ones.
   */
  receive(fd: number, flags: number): number {
    const result = cRecvmmsg(fd, this.#headers.address, this.capacity, flags, 0);
    return result < 0 ? resultOrErrno(result) : result;
  }

  /** Makes slot i ready to receive again. Call it for each slot that the last receive filled. */
  resetPeer(index: number): void {
    this.#headerWords[index * WORDS + NAME_LENGTH] = SOCKADDR_MAX_BYTES;
  }

  /** Makes room for control messages in every slot, for the next receive: it ends with what came instead. */
  armControl(): void {
    for (let i = 0; i < this.capacity; i++) this.#headerWords[i * WORDS + CONTROL_LENGTH] = this.#controlBytes;
  }

  /** Bytes of control messages in slot i. */
  controlLength(index: number): number {
    return this.#headerWords[index * WORDS + CONTROL_LENGTH]!;
  }

  /** The control messages of slot i; a view into memory that the next receive overwrites. */
  controlOf(index: number): Buffer {
    const at = index * this.#controlBytes;
    return this.#control!.bytes.subarray(at, at + this.controlLength(index));
  }

  /** Sends slot i with these control messages; with an empty buffer, with none. */
  setControl(index: number, messages: Uint8Array): void {
    if (messages.length > this.#controlBytes) throw new RangeError('control messages do not fit');
    if (messages.length > 0) this.#control!.bytes.set(messages, index * this.#controlBytes);
    this.#headerWords[index * WORDS + CONTROL_LENGTH] = messages.length;
  }

  /** Bytes received into slot i, or sent from it. */
  receivedLength(index: number): number {
    return this.#headerWords[index * WORDS + MESSAGE_LENGTH]!;
  }

  /** Whether the datagram in slot i was longer than the slot (MSG_TRUNC). */
  wasTruncated(index: number): boolean {
    return (this.#headerWords[index * WORDS + FLAGS]! & 0x20) !== 0;
  }

  /** Sets how many bytes of slot i {@link send} sends. */
  setSendLength(index: number, lengthBytes: number): void {
    if (lengthBytes > this.slotBytes) lengthBytes = this.slotBytes;
    this.#vectorWords[index * 4 + 2] = lengthBytes;
  }

  /** Addresses slot `index` to the peer that slot `fromIndex` of `from` came from. */
  copyPeer(index: number, from: DatagramBatch, fromIndex: number): void {
    const length = from.#headerWords[fromIndex * WORDS + NAME_LENGTH]!;
    const source = from.peerBytes;
    const target = this.peerBytes;
    const at = index * NAME_BYTES;
    const fromAt = fromIndex * NAME_BYTES;
    for (let i = 0; i < length; i++) target[at + i] = source[fromAt + i]!;
    this.#headerWords[index * WORDS + NAME_LENGTH] = length;
  }

  /** Addresses slot i. For a connected socket use {@link clearPeer}. */
  setPeer(index: number, address: SocketAddress): void {
    this.#headerWords[index * WORDS + NAME_LENGTH] = encodeSocketAddress(address, this.peerBytes, index * NAME_BYTES);
  }

  /** Addresses slot i to a raw sockaddr. */
  setRawPeer(index: number, sockaddr: Uint8Array): void {
    this.peerBytes.set(sockaddr, index * NAME_BYTES);
    this.#headerWords[index * WORDS + NAME_LENGTH] = sockaddr.length;
  }

  /** A copy of the raw sockaddr of slot i. */
  rawPeer(index: number): Uint8Array {
    const length = this.#headerWords[index * WORDS + NAME_LENGTH]!;
    return Uint8Array.prototype.slice.call(this.peerBytes, index * NAME_BYTES, index * NAME_BYTES + length);
  }

  /** Sends slot i to the socket's connected peer. */
  clearPeer(index: number): void {
    this.#headerWords[index * WORDS + NAME_LENGTH] = 0;
  }

  /** Peer of slot i, decoded. Allocates: not for every datagram. */
  peer(index: number): SocketAddress | undefined {
    return decodeSocketAddress(this.peerBytes, index * NAME_BYTES);
  }

  /** sendmmsg(2) of slots [first, first+count). Returns how many were sent (maybe fewer), or -errno. */
  send(fd: number, first: number, count: number, flags: number): number {
    if (first < 0 || count < 0 || first + count > this.capacity) return -EINVAL;
    const result = cSendmmsg(fd, this.#headers.address + first * MMSGHDR_BYTES, count, flags);
    return result < 0 ? resultOrErrno(result) : result;
  }
}
