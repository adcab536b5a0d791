import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { systemClock } from '../../sys/clock.ts';
import { FrameReader, type SpdyFrame } from '../../wire/spdy/frame-reader.ts';
import { FrameWriter } from '../../wire/spdy/frame-writer.ts';
import { createStreamServer, type StreamTargets } from './stream-server.ts';

const options = { timeout: 120_000, skip: process.platform === 'linux' ? false : 'needs /bin/sh and Linux' };
const refusal = { code: 404, message: 'pods "none" not found' } as const;
const targets: StreamTargets = {
  async exec(_namespace, pod, _container, command) {
    if (pod === 'none') return refusal;
    const [file = '', ...args] = command;
    return { file, args, env: { PATH: process.env.PATH ?? '' }, cwd: '/' };
  },
  attach: () => refusal,
  portForward: (_namespace, pod) => (pod === 'none' ? refusal : { podIps: ['127.0.0.1'], netnsPath: undefined }),
};

async function startServer(context: TestContext): Promise<number> {
  const streams = createStreamServer(targets, systemClock);
  const server: Server = createHttpServer();
  server.on('upgrade', streams.upgrade);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    streams.stop();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Everything that came on each channel until the server closed. */
function collect(socket: WebSocket): Promise<Map<number, string>> {
  const channels = new Map<number, string>();
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? -1;
    channels.set(channel, (channels.get(channel) ?? '') + message.toString('latin1', 1));
  });
  return new Promise((resolve, reject) => {
    socket.once('close', () => resolve(channels));
    socket.once('error', reject);
  });
}
const query = (...command: string[]): string => command.map((word) => `command=${encodeURIComponent(word)}`).join('&');

test('WebSocket v5: channels apart, the end of input, the exit status', options, async (context) => {
  const port = await startServer(context);
  const path = `exec/n/p/c?stdin=true&stdout=true&stderr=true&${query('sh', '-c', 'cat; echo bad >&2; exit 7')}`;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  const channels = collect(socket);
  await once(socket, 'open');
  assert.equal(socket.protocol, 'v5.channel.k8s.io');
  socket.send(Buffer.from('\0hello '));
  socket.send(Buffer.from('\0world'));
  socket.send(Buffer.from([255, 0]));
  const seen = await channels;
  assert.equal(seen.get(1), 'hello world');
  assert.equal(seen.get(2), 'bad\n');
  const status = JSON.parse(seen.get(3) ?? '') as { reason: string; details: { causes: object[] } };
  assert.equal(status.reason, 'NonZeroExitCode');
  assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '7' }]);
});

test('WebSocket: a terminal has a size and follows its changes', options, async (context) => {
  const port = await startServer(context);
  const script = 'stty size; trap "stty size; exit" WINCH; echo set; while :; do sleep 0.05; done';
  const path = `exec/n/p/c?stdin=true&stdout=true&tty=true&${query('sh', '-c', script)}`;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, ['v4.channel.k8s.io']);
  const channels = collect(socket);
  let text = '';
  socket.on('message', (message: Buffer) => {
    text += message.toString('latin1', 1);
    if (text.includes('set\r\n')) socket.send(Buffer.from('\x04{"Width":77,"Height":44}'));
  });
  assert.match((await channels).get(1) ?? '', /44 77\r\n$/);
});

test('a command that cannot be started is said on the error channel', options, async (context) => {
  const port = await startServer(context);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/exec/n/p/c?stdout=true&${query('/no/such')}`, [
    'v4.channel.k8s.io',
  ]);
  assert.match((await collect(socket)).get(3) ?? '', /"status":"Failure","message":"spawn \/no\/such ENOENT"/);
});

test('a client that goes away ends the command', options, async (context) => {
  const port = await startServer(context);
  const socket = new WebSocket(
    `ws://127.0.0.1:${port}/exec/n/p/c?stdout=true&${query('sh', '-c', 'echo $$; exec sleep 1000')}`,
    ['v4.channel.k8s.io'],
  );
  let pid = '';
  while (!/\d\n/.test(pid)) {
    const [message] = (await once(socket, 'message')) as [Buffer];
    pid += message.toString('latin1', 1);
  }
  socket.terminate();
  const deadline = systemClock.monotonicMs() + 20_000;
  const alive = (): boolean => {
    try {
      process.kill(Number(pid), 0);
      return true;
    } catch {
      return false;
    }
  };
  while (alive()) {
    assert.ok(systemClock.monotonicMs() < deadline, 'still there');
    await systemClock.sleep(10);
  }
});

test(
  'port-forward by WebSocket channels: the port first, then data both ways, errors apart',
  options,
  async (context) => {
    const port = await startServer(context);
    const echo = createServer((socket) => socket.once('data', (data) => socket.end(`you said ${data}`)));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    context.after(() => echo.close());
    const target = (echo.address() as AddressInfo).port;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/portForward/n/p?ports=${target}&ports=1`, [
      'v4.channel.k8s.io',
    ]);
    const channels = collect(socket);
    await once(socket, 'open');
    socket.send(Buffer.from('\0hi'));
    const seen = await channels;
    const number = Buffer.alloc(2);
    number.writeUInt16LE(target);
    assert.equal(seen.get(0), `${number.toString('latin1')}you said hi`);
    assert.match((seen.get(3) ?? '').slice(2), /^error forwarding port 1 to pod p_n: connect ECONNREFUSED/);
  },
);

test('a tunnel of port-forward over WebSocket, whose name has a slash', options, async (context) => {
  const port = await startServer(context);
  const socket = connect(port, '127.0.0.1');
  context.after(() => socket.destroy());
  const name = 'SPDY/3.1+portforward.k8s.io';
  socket.write(
    'GET /portForward/n/p HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${name}\r\n\r\n`,
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString('latin1'), /^HTTP\/1.1 101 /);
  assert.ok(head.toString('latin1').includes(`Sec-WebSocket-Protocol: ${name}\r\n`), head.toString('latin1'));
});

/** A client of SPDY/3.1: the frames that the server sends, and the connection. */
async function spdyClient(
  port: number,
  path: string,
  protocol: string,
): Promise<{ socket: Socket; frames: SpdyFrame[]; next: (test: (frame: SpdyFrame) => boolean) => Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /${path} HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: other\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  const frames: SpdyFrame[] = [];
  let wake: () => void = () => {};
  const reader = new FrameReader((frame) => {
    frames.push(frame.type === 'data' ? { ...frame, data: Buffer.from(frame.data) } : frame);
    wake();
  });
  const [head] = (await once(socket, 'data')) as [Buffer];
  const end = head.indexOf('\r\n\r\n') + 4;
  assert.match(
    head.toString('latin1', 0, end),
    new RegExp(`^HTTP/1.1 101 [^]*\r\nX-Stream-Protocol-Version: ${protocol}\r\n`),
  );
  reader.feed(head.subarray(end));
  socket.on('data', (chunk: Buffer) => reader.feed(chunk));
  return {
    socket,
    frames,
    async next(wanted) {
      while (!frames.some(wanted)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

test('SPDY: streams are answered, pings echoed, output and status end with FIN', options, async (context) => {
  const port = await startServer(context);
  const path = `exec/n/p/c?stdin=true&stdout=true&${query('cat')}`;
  const { socket, frames, next } = await spdyClient(port, path, 'v4.channel.k8s.io');
  const writer = new FrameWriter();
  socket.write(writer.ping(1));
  for (const [index, streamtype] of ['error', 'stdin', 'stdout'].entries()) {
    socket.write(writer.synStream(2 * index + 1, { streamtype }));
  }
  socket.write(Buffer.concat([writer.dataHead(3, 4, false), Buffer.from('text'), writer.dataHead(3, 0, true)]));
  await next((frame) => frame.type === 'data' && frame.stream === 1 && frame.fin);
  assert.ok(frames.some((frame) => frame.type === 'ping' && frame.id === 1));
  assert.deepEqual(
    frames.flatMap((frame) => (frame.type === 'syn-reply' ? [frame.stream] : [])),
    [1, 3, 5],
  );
  const dataOf = (stream: number): string =>
    frames.map((frame) => (frame.type === 'data' && frame.stream === stream ? frame.data.toString() : '')).join('');
  assert.equal(dataOf(5), 'text');
  assert.deepEqual(JSON.parse(dataOf(1)), { metadata: {}, status: 'Success' });
  socket.destroy();
});

const refusals: readonly (readonly [string, string, string, number])[] = [
  ['a protocol that nobody speaks', 'exec/n/p/c?stdout=true&command=true', 'v9.channel.k8s.io', 403],
  ['no stream', 'exec/n/p/c?command=true', 'v4.channel.k8s.io', 400],
  ['a Pod that is not here', 'exec/n/none/c?stdout=true&command=true', 'v4.channel.k8s.io', 404],
  ['a port that is none', 'portForward/n/p?ports=70000', 'v4.channel.k8s.io', 400],
  ['another path', 'other/n/p/c', 'v4.channel.k8s.io', 404],
];
for (const [name, path, protocol, code] of refusals) {
  test(`refused: ${name}`, options, async (context) => {
    const port = await startServer(context);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, [protocol]);
    const [error] = (await once(socket, 'error')) as [Error];
    assert.match(error.message, new RegExp(`${code}`));
  });
}
