import { systemClock } from '../../sys/clock.ts';
import { DatagramBatch } from '../../sys/datagrams.ts';
import { ECONNREFUSED } from '../../sys/errno.ts';
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_RAW } from '../../sys/linux-constants.ts';
import { PinnedBuffer } from '../../sys/pinned.ts';
import { bind, close, connect, send, socket } from '../../sys/socket.ts';

/**
 * Just enough SCTP (RFC 9260) to open an association over a raw socket: kernels without SCTP sockets
 * still track and translate it.
 */
const IPPROTO_SCTP = 132;
const INIT = 1;
const INIT_ACK = 2;
/** Common header 12, chunk header 4, fixed part of INIT and INIT ACK 16. */
const initBytes = 32;
/** An unknown parameter, to be skipped (its high bits say so), which carries the answer. */
const textParameter = 0xc0de;
const pollMs = 2;

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function initPacket(type: number, fromPort: number, toPort: number, tag: number, text: string): Buffer {
  const value = Buffer.from(text);
  const parameter = text === '' ? 0 : 4 + value.length;
  const packet = Buffer.alloc(initBytes + ((parameter + 3) & ~3));
  packet.writeUInt16BE(fromPort, 0);
  packet.writeUInt16BE(toPort, 2);
  packet.writeUInt32BE(tag, 4);
  packet[12] = type;
  packet.writeUInt16BE(20 + parameter, 14);
  packet.writeUInt32BE(0x1001, 16);
  packet.writeUInt32BE(65_536, 20);
  packet.writeUInt16BE(1, 24);
  packet.writeUInt16BE(1, 26);
  packet.writeUInt32BE(1, 28);
  if (parameter > 0) {
    packet.writeUInt16BE(textParameter, initBytes);
    packet.writeUInt16BE(parameter, initBytes + 2);
    packet.set(value, initBytes + 4);
  }
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

const buffer = new PinnedBuffer(4096);

function sendTo(fd: number, packet: Buffer): number {
  buffer.bytes.set(packet);
  return send(fd, buffer, 0, packet.length);
}

const incoming = new DatagramBatch(1, 4096);

function openRaw(address: string): number {
  return socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_SCTP);
}

function connectRaw(fd: number, address: string): void {
  connect(fd, { family: address.includes(':') ? 'ipv6' : 'ipv4', address, port: 0 });
}

/** The next packet without its IP header, with its sender; a number is -errno. */
function receive(fd: number): { readonly source: string; readonly packet: Buffer } | number {
  const count = incoming.receive(fd, MSG_DONTWAIT);
  if (count < 0) return count;
  const source = incoming.peer(0)?.address ?? '';
  const length = incoming.receivedLength(0);
  incoming.resetPeer(0);
  // Raw sockets show the IP header in IPv4 only.
  const header = source.includes(':') ? 0 : ((incoming.bytes[0] ?? 0x45) & 15) * 4;
  return { source, packet: Buffer.from(incoming.bytes.subarray(header, length)) };
}

/** Answers every association on any port with `name clientAddress`, until the process ends. */
export function serveSctp(name: string): void {
  const sockets = [openRaw('0.0.0.0'), openRaw('::')];
  const answerAll = (fd: number): void => {
    for (let found = receive(fd); typeof found !== 'number'; found = receive(fd)) {
      const { source, packet } = found;
      if (packet.length < initBytes || packet[12] !== INIT) continue;
      const answer = openRaw(source);
      connectRaw(answer, source);
      const [from, to, tag] = [packet.readUInt16BE(2), packet.readUInt16BE(0), packet.readUInt32BE(16)];
      sendTo(answer, initPacket(INIT_ACK, from, to, tag, `${name} ${source}`));
      close(answer);
    }
  };
  const poll = (): void => {
    for (const fd of sockets) answerAll(fd);
    systemClock.after(pollMs, poll);
  };
  poll();
}

let lastPort = 20_000;

/** Opens an association; what the server answered. Rejects with ECONNREFUSED or ETIMEDOUT. */
export async function askSctp(
  host: string,
  port: number,
  source: string | undefined,
  timeoutMs: number,
): Promise<string> {
  const fd = openRaw(host);
  try {
    if (source !== undefined) bind(fd, { family: host.includes(':') ? 'ipv6' : 'ipv4', address: source, port: 0 });
    connectRaw(fd, host);
    const fromPort = ++lastPort;
    sendTo(fd, initPacket(INIT, fromPort, port, 0, ''));
    const until = systemClock.monotonicMs() + timeoutMs;
    while (systemClock.monotonicMs() < until) {
      const found = receive(fd);
      if (found === -ECONNREFUSED) throw new Error('ECONNREFUSED');
      if (typeof found === 'number') {
        await systemClock.sleep(pollMs);
        continue;
      }
      const { packet } = found;
      if (packet[12] !== INIT_ACK || packet.readUInt16BE(2) !== fromPort) continue;
      return packet.toString('utf8', initBytes + 4, initBytes + packet.readUInt16BE(initBytes + 2));
    }
    throw new Error('ETIMEDOUT');
  } finally {
    close(fd);
  }
}
