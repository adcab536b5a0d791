import { Socket } from 'node:net';
import { EINPROGRESS, errnoName } from '../../sys/errno.ts';
import { IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOCK_NONBLOCK, SOCK_STREAM } from '../../sys/linux-constants.ts';
import { bind, close, connect, setSocketOption, setSocketOptionBytes, socket } from '../../sys/socket.ts';
import { addressFamily, encodeSocketAddress, type SocketAddress, socketAddress } from '../../sys/socket-address.ts';

const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MINHOPCOUNT = 73;
const TCP_MD5SIG = 14;

/** Where and how to connect. */
export interface BgpEndpoint {
  readonly address: string;
  readonly port: number;
  readonly sourceAddress?: string;
  /** TTL of sent packets; absent: the kernel's. */
  readonly ttl?: number;
  /** Packets that arrive with a lower TTL are dropped (RFC 5082). */
  readonly minimumTtl?: number;
  /** TCP MD5 key, at most 80 bytes (RFC 2385). */
  readonly password?: string;
}

/** What a connection tells its session. */
export interface TransportEvents {
  /** The first bytes have been taken by the kernel: there is a connection. */
  onConnected(localAddress: string): void;
  onBytes(bytes: Uint8Array): void;
  /** The end, once; also of a connection that never came about. */
  onClosed(reason: string): void;
}

/** A connection, from the first attempt on. */
export interface BgpTransport {
  send(bytes: Uint8Array): void;
  /** Sends what is waiting, then ends; `onClosed` is not called. */
  close(): void;
}

/** Opens connections; tests give their own. */
export type OpenTransport = (endpoint: BgpEndpoint, events: TransportEvents) => BgpTransport | string;

/** struct tcp_md5sig: address 128 | flags u8 | prefix u8 | length u16 | interface i32 | key 80. */
function md5Signature(peer: SocketAddress, password: string): Uint8Array {
  const bytes = Buffer.alloc(216);
  encodeSocketAddress({ ...peer, port: 0 }, bytes);
  const key = Buffer.from(password).subarray(0, 80);
  bytes.writeUInt16LE(key.length, 130);
  bytes.set(key, 136);
  return bytes;
}

function prepare(fd: number, endpoint: BgpEndpoint, peer: SocketAddress): string | undefined {
  const { ttl, minimumTtl, password, sourceAddress } = endpoint;
  const v4 = peer.family === 'ipv4';
  const level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  const steps: (readonly [string, () => number])[] = [];
  if (ttl !== undefined) steps.push(['TTL', () => setSocketOption(fd, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, ttl)]);
  if (minimumTtl !== undefined) {
    steps.push(['minimum TTL', () => setSocketOption(fd, level, v4 ? IP_MINTTL : IPV6_MINHOPCOUNT, minimumTtl)]);
  }
  if (password !== undefined) {
    steps.push(['MD5 password', () => setSocketOptionBytes(fd, IPPROTO_TCP, TCP_MD5SIG, md5Signature(peer, password))]);
  }
  if (sourceAddress !== undefined) {
    const source = socketAddress(sourceAddress, 0);
    if (source === undefined || source.family !== peer.family) return `source address ${sourceAddress} does not fit`;
    steps.push([`source address ${sourceAddress}`, () => bind(fd, source)]);
  }
  for (const [what, step] of steps) {
    const result = step();
    if (result < 0) return `${what}: ${errnoName(result)}`;
  }
  return undefined;
}

/** Connects over TCP. A text says why there is not even an attempt. */
export const openBgpTransport: OpenTransport = (endpoint, events) => {
  const peer = socketAddress(endpoint.address, endpoint.port);
  if (peer === undefined) return `${endpoint.address} is not an IP address`;
  const fd = socket(addressFamily(peer), SOCK_STREAM | SOCK_NONBLOCK);
  if (fd < 0) return `socket: ${errnoName(fd)}`;
  const problem = prepare(fd, endpoint, peer);
  const result = problem === undefined ? connect(fd, peer) : 0;
  if (problem !== undefined || (result < 0 && result !== -EINPROGRESS)) {
    close(fd);
    return problem ?? `connect: ${errnoName(result)}`;
  }
  const stream = new Socket({ fd, readable: true, writable: true });
  let closed = false;
  const end = (reason: string): void => {
    if (closed) return;
    closed = true;
    stream.destroy();
    events.onClosed(reason);
  };
  let connected = false;
  stream.on('data', (bytes: Buffer) => {
    if (!closed) events.onBytes(bytes);
  });
  stream.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  stream.on('end', () => end('the peer closed the connection'));
  stream.on('close', () => end('the connection is closed'));
  return {
    send(bytes) {
      if (closed) return;
      // On a connecting socket the bytes wait; that they were taken means that it is connected.
      stream.write(bytes, (error) => {
        if (error != null || connected || closed) return;
        connected = true;
        events.onConnected(stream.localAddress ?? '');
      });
    },
    close() {
      if (closed) return;
      closed = true;
      if (connected) stream.end(() => stream.destroy());
      else stream.destroy();
    },
  };
};
