import { isIPv6 } from 'node:net';
import { addressBytes } from '../address-bytes.ts';

/** An Ethernet frame with an IP packet, for tests. Checksums are right. */
export interface FrameOptions {
  readonly source: string;
  readonly destination: string;
  /** The two congestion bits (RFC 3168). Default 0. */
  readonly congestion?: number;
  /** IPv4: flags and offset. Default 0. */
  readonly fragment?: number;
  readonly tcp?: { readonly flags?: number; readonly segmentSize?: number };
  /** A packet inside the packet. */
  readonly inside?: FrameOptions;
  /** Default: that of what is inside. */
  readonly protocol?: number;
}

const linkBytes = 14;

function checksum(...parts: readonly Uint8Array[]): number {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function segment(
  source: Uint8Array,
  destination: Uint8Array,
  { flags = 0x10, segmentSize = 1460 }: NonNullable<FrameOptions['tcp']>,
): Buffer {
  const bytes = Buffer.alloc(24 + 16);
  bytes.writeUInt16BE(40_000, 0);
  bytes.writeUInt16BE(8080, 2);
  bytes.writeUInt8(6 << 4, 12);
  bytes.writeUInt8(flags, 13);
  bytes.writeUInt16BE(0x0204, 20);
  bytes.writeUInt16BE(segmentSize, 22);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  bytes.writeUInt16BE(checksum(source, destination, length, Buffer.from([0, 0, 0, 6]), bytes), 16);
  return bytes;
}

function ipPacket({ source, destination, congestion = 0, fragment = 0, tcp, inside, protocol }: FrameOptions): Buffer {
  const [from, to] = [addressBytes(source), addressBytes(destination)];
  const payload =
    tcp !== undefined ? segment(from, to, tcp) : inside === undefined ? Buffer.alloc(0) : ipPacket(inside);
  const six = isIPv6(source);
  const kind = protocol ?? (tcp === undefined ? (six ? 41 : 4) : 6);
  if (six) {
    const header = Buffer.alloc(8);
    header.writeUInt8(0x60, 0);
    header.writeUInt8(congestion << 4, 1);
    header.writeUInt16BE(payload.length, 4);
    header.writeUInt8(kind, 6);
    header.writeUInt8(64, 7);
    return Buffer.concat([header, from, to, payload]);
  }
  const header = Buffer.concat([Buffer.alloc(12), from, to]);
  header.writeUInt8(0x45, 0);
  header.writeUInt8(congestion, 1);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header.writeUInt8(64, 8);
  header.writeUInt8(kind, 9);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** The frame's bytes. */
export function frame(options: FrameOptions): Buffer {
  const link = Buffer.alloc(linkBytes);
  link.writeUInt16BE(isIPv6(options.source) ? 0x86dd : 0x0800, 12);
  return Buffer.concat([link, ipPacket(options)]);
}

/** What is in a frame. */
export function innerOf(bytes: Buffer): Buffer {
  return bytes.subarray(linkBytes);
}
