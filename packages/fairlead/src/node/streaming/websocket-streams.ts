import { PassThrough, Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { RemoteStreams, StreamRequest } from './remote-streams.ts';

/** Sub-protocols for exec and attach, the best first. */
export const EXEC_WEBSOCKET_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** v5: the byte behind it is the channel that ends. */
const CLOSE = 255;
const NORMAL_CLOSURE = 1000;

/** Streams as channels of a WebSocket: every binary message begins with the number of its channel. */
export function websocketStreams(socket: WebSocket, request: StreamRequest): RemoteStreams {
  const stdin = request.stdin ? inputOf(socket) : undefined;
  const resize = request.tty ? new PassThrough() : undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      stdin?.push(null);
      resize?.end();
      resolve();
    });
  });
  socket.on('error', () => socket.terminate());
  socket.on('message', (message: Buffer) => {
    const channel = message[0];
    const data = message.subarray(1);
    if (channel === STDIN && data.length > 0) {
      if (stdin !== undefined && !stdin.readableEnded && !stdin.push(data)) socket.pause();
    } else if (channel === RESIZE) resize?.write(data);
    else if (channel === CLOSE && data[0] === STDIN) stdin?.push(null);
  });
  // The client learns that the session is there.
  const first = request.stdout ? STDOUT : request.stderr ? STDERR : ERROR;
  socket.send(Buffer.from([first]));
  return {
    stdin,
    stdout: request.stdout ? outputTo(socket, STDOUT) : undefined,
    stderr: request.stderr ? outputTo(socket, STDERR) : undefined,
    error: outputTo(socket, ERROR),
    resize,
    closed,
    close: () => socket.close(NORMAL_CLOSURE),
  };
}

function inputOf(socket: WebSocket): Readable {
  return new Readable({ read: () => socket.resume() });
}

function outputTo(socket: WebSocket, channel: number): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) return done();
      socket.send(Buffer.concat([Buffer.from([channel]), chunk]), () => done());
    },
  });
}
