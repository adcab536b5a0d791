import { connect, Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { connectInNetns } from '../../sys/netns-socket.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';

/** Protocol of port-forward over SPDY. */
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';
/** The same inside a WebSocket: its binary messages carry the bytes of the SPDY connection. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

/** Where the ports of a Pod are. */
export interface PortForwardTarget {
  /** One per family, the preferred one first. */
  readonly podIps: readonly string[];
  /** The Pod's network namespace; undefined where it has none of its own. */
  readonly netnsPath: string | undefined;
}

/** Where a program that does not serve the Pod's address may listen. */
const LOOPBACKS = [
  { family: 'ipv4', address: '127.0.0.1' },
  { family: 'ipv6', address: '::1' },
] as const;

/** Serves a client's connections: for each a pair of streams, `error` and `data`, with one `requestid`. */
export function servePortForward(transport: Duplex, target: PortForwardTarget, describe: string): SpdyConnection {
  const waiting = new Map<string, SpdyStream>();
  return new SpdyConnection(transport, (stream) => {
    const { streamtype, port: portText = '', requestid } = stream.headers;
    const port = Number(portText);
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || (streamtype !== 'data' && streamtype !== 'error')) {
      stream.destroy();
      return;
    }
    const key = requestid ?? portText;
    const other = waiting.get(key);
    if (other === undefined || other.headers.streamtype === streamtype) {
      waiting.set(key, stream);
      stream.once('close', () => {
        if (waiting.get(key) === stream) waiting.delete(key);
      });
      return;
    }
    waiting.delete(key);
    const [data, error] = streamtype === 'data' ? [stream, other] : [other, stream];
    error.resume();
    void forwardPort(data, error, target, port, describe);
  });
}

/** Joins a client's stream with a port of the Pod; what goes wrong is told on `error`, which ends with it. */
export async function forwardPort(
  data: Duplex,
  error: Writable,
  target: PortForwardTarget,
  port: number,
  describe: string,
): Promise<void> {
  let socket: Socket;
  try {
    socket = await dial(target, port);
  } catch (cause) {
    const reason = (cause as Error).message;
    error.end(`error forwarding port ${port} to pod ${describe}: ${reason}\n`);
    data.end();
    data.resume();
    return;
  }
  socket.on('error', (problem) => {
    if (!error.writableEnded) error.end(`error forwarding port ${port} to pod ${describe}: ${problem.message}\n`);
    data.destroy();
  });
  socket.once('close', () => {
    if (!error.writableEnded) error.end();
    if (!data.writableEnded) data.end();
  });
  data.once('close', () => {
    if (!data.readableEnded || !socket.writableEnded) socket.destroy();
  });
  data.pipe(socket);
  socket.pipe(data);
}

/**
 * Connects to a port as the Pod's own programs would: by its addresses, else by its loopback.
 * @throws the error of the first address when nobody listens on any
 */
async function dial(target: PortForwardTarget, port: number): Promise<Socket> {
  const { podIps, netnsPath } = target;
  // Addresses of the loopback range are what the Pod has in userspace mode: nothing else is its own.
  const isOnLoopback = podIps.every((ip) => ip.startsWith('127.'));
  const places = netnsPath === undefined && !isOnLoopback ? [...podIps, ...LOOPBACKS.map((at) => at.address)] : podIps;
  let failure: unknown;
  for (const place of places) {
    try {
      return await dialAddress(place, port);
    } catch (error) {
      failure ??= error;
    }
  }
  for (const { family, address } of netnsPath === undefined ? [] : LOOPBACKS) {
    const socket = await dialInside(netnsPath ?? '', family, address, port);
    if (socket !== undefined) return socket;
  }
  throw failure;
}

/** Connects within a network namespace; `undefined` when nobody listens there. */
async function dialInside(
  netnsPath: string,
  family: 'ipv4' | 'ipv6',
  address: string,
  port: number,
): Promise<Socket | undefined> {
  const fd = connectInNetns(netnsPath, { family, address, port });
  return fd < 0 ? undefined : new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}

function dialAddress(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}
