import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { ECHO_PROGRAM } from '../images.ts';
import { readEchoSettings } from './settings.ts';

for (const [name, args, env, expected] of [
  ['default', [], {}, [{ port: 8080, serve: 'http' }]],
  ['PORT', [], { PORT: '80' }, [{ port: 80, serve: 'http' }]],
  ['--port wins over PORT', ['--port', '81'], { PORT: '80' }, [{ port: 81, serve: 'http' }]],
  [
    'PORT beside --tcp',
    ['--tcp=9'],
    { PORT: '80' },
    [
      { port: 9, serve: 'tcp' },
      { port: 80, serve: 'http' },
    ],
  ],
  [
    'declared ports',
    [],
    { FAIRLEAD_PORTS: 'http:80/TCP,dns:53/UDP,tcp-x:9/TCP,:81/TCP' },
    [
      { port: 80, serve: 'http' },
      { port: 53, serve: 'udp' },
      { port: 9, serve: 'tcp' },
      { port: 81, serve: 'http' },
    ],
  ],
] as [string, string[], Record<string, string>, object[]][]) {
  test(`settings: ${name}`, () => {
    const settings = readEchoSettings(args, env);
    assert.deepEqual('error' in settings ? settings.error : settings.ports, expected);
  });
}

for (const [args, error] of [
  [['--port', 'x'], '--port x is not a port'],
  [['--port'], '--port needs a value'],
  [['--frob', '1'], 'unknown flag --frob'],
] as const) {
  test(`settings: ${args.join(' ')} is refused`, () => assert.deepEqual(readEchoSettings(args, {}), { error }));
}

interface Echo {
  readonly child: ChildProcess;
  readonly ports: Readonly<Record<string, number>>;
  readonly exit: Promise<number | null>;
}

/** Starts the program on ports of the kernel's choice and waits until all are announced. */
async function startEcho(context: TestContext): Promise<Echo> {
  const args = ['--port', '0', '--tcp', '0', '--udp', '0', '--bind', '127.0.0.1', '--name', 'shop', '--version', 'v2'];
  const child = spawn(process.execPath, [ECHO_PROGRAM, ...args], {
    env: { POD_NAME: 'p' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  const ports: Record<string, number> = {};
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      for (const [, port, serve] of text.matchAll(/listening on port (\d+) \((\w+)\)/g)) ports[serve!] = Number(port);
      if (Object.keys(ports).length === 3) resolve();
    });
    child.once('exit', (code) => reject(new Error(`echo ended with ${code}`)));
  });
  return { child, ports, exit };
}

const timeout = 60_000;

test('HTTP/1.1: identity, body, status, bytes, failing readiness', { timeout }, async (context) => {
  const { ports } = await startEcho(context);
  const base = `http://127.0.0.1:${ports.http}`;
  const answer = (await (
    await fetch(`${base}/a?b=1`, { method: 'POST', body: 'hi', headers: { 'x-test': '1' } })
  ).json()) as Record<string, unknown>;
  const { pod, service, version, method, path, body, host, headers } = answer;
  assert.deepEqual(
    { pod, service, version, method, path, body, host },
    {
      pod: 'p',
      service: 'shop',
      version: 'v2',
      method: 'POST',
      path: '/a?b=1',
      body: 'hi',
      host: `127.0.0.1:${ports.http}`,
    },
  );
  assert.equal((headers as Record<string, string>)['x-test'], '1');
  assert.equal((await fetch(`${base}/status/418`)).status, 418);
  assert.equal((await (await fetch(`${base}/bytes/300000`)).bytes()).length, 300_000);
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
  await fetch(`${base}/readyz?fail=1`, { method: 'POST' });
  assert.equal((await fetch(`${base}/readyz`)).status, 503);
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
});

test('HTTP/2 with prior knowledge and gRPC on the same port', { timeout }, async (context) => {
  const { ports } = await startEcho(context);
  const session = connectHttp2(`http://127.0.0.1:${ports.http}`);
  const ask = (
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<{ status: unknown; data: Buffer; grpc: unknown }> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ...headers });
      const parts: Buffer[] = [];
      let status: unknown;
      let grpc: unknown;
      stream.on('response', (response) => {
        status = response[':status'];
      });
      stream.on('trailers', (trailers) => {
        grpc = trailers['grpc-status'];
      });
      stream.on('data', (chunk: Buffer) => parts.push(chunk));
      stream.on('error', reject);
      stream.on('close', () => resolve({ status, data: Buffer.concat(parts), grpc }));
      stream.end(body);
    });
  const plain = await ask({ ':path': '/x' }, Buffer.from('body'));
  assert.equal(JSON.parse(plain.data.toString()).proto, 'HTTP/2.0');
  const grpcHeaders = { 'content-type': 'application/grpc', te: 'trailers' };
  const health = await ask({ ':path': '/grpc.health.v1.Health/Check', ...grpcHeaders }, Buffer.from([0, 0, 0, 0, 0]));
  assert.deepEqual([health.grpc, [...health.data]], ['0', [0, 0, 0, 0, 2, 8, 1]]);
  const message = Buffer.from([0, 0, 0, 0, 1, 42]);
  const echoed = await ask({ ':path': '/any.Service/Method', ...grpcHeaders }, message);
  assert.deepEqual(echoed.data, message);
  session.close();
});

test('TCP, UDP and WebSocket send back what they get', { timeout }, async (context) => {
  const { ports } = await startEcho(context);
  const tcp = connectTcp(ports.tcp!, '127.0.0.1');
  tcp.end('over tcp');
  let text = '';
  for await (const chunk of tcp) text += String(chunk);
  assert.equal(text, 'over tcp');

  const udp = createSocket('udp4');
  context.after(() => udp.close());
  const reply = new Promise<string>((resolve) => {
    udp.once('message', (message) => resolve(message.toString()));
  });
  udp.send('over udp', ports.udp!, '127.0.0.1');
  assert.equal(await reply, 'over udp');

  const socket = new WebSocket(`ws://127.0.0.1:${ports.http}/chat`);
  const messages: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data) => {
      messages.push(String(data));
      if (messages.length === 1) socket.send('hello');
      else resolve();
    });
  });
  assert.equal((JSON.parse(messages[0]!) as { path: string }).path, '/chat');
  assert.equal(messages[1], 'hello');
  socket.close();
});

test('SIGTERM: a slow request is finished, a new connection is served with close, exit status 0', {
  timeout,
}, async (context) => {
  const { child, ports, exit } = await startEcho(context);
  const base = `http://127.0.0.1:${ports.http}`;
  await fetch(`${base}/healthz`);
  const slow = fetch(`${base}/slow?ms=1800`, { headers: { connection: 'close' } });
  const draining = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('draining')) resolve();
    });
  });
  // The slow request must have arrived before the signal.
  await fetch(`${base}/healthz`);
  child.kill('SIGTERM');
  await draining;
  const late = await fetch(`${base}/healthz`);
  assert.equal(late.status, 200);
  assert.equal(late.headers.get('connection'), 'close');
  assert.equal((await slow).status, 200);
  assert.equal(await exit, 0);
});
