import { Duplex, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { forwardPort, type PortForwardTarget } from './port-forward.ts';

/** Port-forward over plain channels, as programs rather than kubectl speak it. */
export const PORTS_PROTOCOL = 'v4.channel.k8s.io';

const NORMAL_CLOSURE = 1000;

/**
 * Serves one connection to each of some ports: channel 2i carries the data of port i, channel 2i+1 its errors.
 * The first message of each channel is the port, two bytes, little-endian. Nothing says that one direction has
 * ended, so a port's connection lasts until the Pod or the client closes.
 */
export function serveWebsocketPorts(
  socket: WebSocket,
  target: PortForwardTarget,
  ports: readonly number[],
  describe: string,
): void {
  socket.on('error', () => socket.terminate());
  let open = ports.length;
  const inputs = ports.map((port, index) => {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    const error = channelWriter(socket, 2 * index + 1);
    const data = channelDuplex(socket, 2 * index);
    data.write(number);
    error.write(number);
    data.once('close', () => {
      open--;
      if (open === 0) socket.close(NORMAL_CLOSURE);
    });
    socket.once('close', () => data.destroy());
    void forwardPort(data, error, target, port, describe);
    return data;
  });
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? 0;
    const data = channel % 2 === 0 ? inputs[channel / 2] : undefined;
    if (data === undefined || data.destroyed || message.length === 1) return;
    if (!data.push(message.subarray(1))) socket.pause();
  });
}

function send(socket: WebSocket, channel: number, chunk: Buffer, done: () => void): void {
  if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), chunk]), () => done());
  else done();
}

function channelWriter(socket: WebSocket, channel: number): Writable {
  return new Writable({ write: (chunk: Buffer, _encoding, done) => send(socket, channel, chunk, done) });
}

function channelDuplex(socket: WebSocket, channel: number): Duplex {
  const duplex = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => send(socket, channel, chunk, done),
    // The Pod's end of the connection is the end of the channel.
    final(done) {
      done();
      duplex.destroy();
    },
  });
  duplex.on('error', () => {});
  return duplex;
}
