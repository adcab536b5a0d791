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
  readonly podIp: string;
  /** The Pod's network namespace; undefined where it has none of its own. */
  readonly netnsPath: string | undefined;
}

const NETNS_LOOPBACK = '127.0.0.1';

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

/** Connects to a port as the Pod's own programs would: by its address, else by its loopback. */
async function dial(target: PortForwardTarget, port: number): Promise<Socket> {
  try {
    return await dialAddress(target.podIp, port);
  } catch (error) {
    if (target.netnsPath === undefined) {
      if (target.podIp.startsWith('127.')) throw error;
      return dialAddress(NETNS_LOOPBACK, port);
    }
    const fd = connectInNetns(target.netnsPath, { family: 'ipv4', address: NETNS_LOOPBACK, port });
    if (fd < 0) throw error;
    return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  }
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
