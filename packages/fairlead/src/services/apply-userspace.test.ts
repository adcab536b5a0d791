import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { createUserspaceApplier, type UserspaceNotice } from './apply-userspace.ts';
import type { EndpointTarget, Protocol, ServicePortProgram, ServiceProgram } from './program.ts';
import { openFrontendSocket } from './userspace/listening-socket.ts';
import { UserspaceProxy } from './userspace/proxy.ts';

// A loopback address of this process's own, so that test processes do not meet.
const vip = `127.96.${process.pid & 255}.${(process.pid >> 8) & 255}`;
const notices: UserspaceNotice[] = [];
const applier = createUserspaceApplier({
  clock: systemClock,
  log: () => undefined,
  nodePortAddresses: [],
  onNotice: (notice) => notices.push(notice),
});
const servers: { close(): unknown }[] = [];
after(async () => {
  await applier.remove();
  for (const server of servers) server.close();
});

function program(
  name: string,
  protocol: Protocol,
  port: number,
  endpoints: readonly EndpointTarget[],
  ip = vip,
  more: Partial<ServicePortProgram> = {},
): ServiceProgram {
  return {
    key: `default/${name}`,
    localReadyEndpoints: 0,
    ports: [
      {
        key: `default/${name}:${port}/${protocol}/IPv4`,
        portName: '',
        protocol,
        family: 'IPv4',
        port,
        vips: [{ kind: 'clusterIP', ip }],
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        clusterEndpoints: endpoints,
        localEndpoints: [],
        ...more,
      },
    ],
  };
}

const install = (next: ServiceProgram): Promise<void> => applier.apply(new Map([[next.key, next]]));
const at = (port: number): EndpointTarget => ({ ip: '127.0.0.1', port, onThisNode: 'yes' });

async function tcpEcho(name: string): Promise<{ readonly target: EndpointTarget; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(`${name} ${data}`));
    socket.on('end', () => socket.end());
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { target: at((server.address() as AddressInfo).port), server };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, vip);
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

/** Connects and expects a reset: the kernel has accepted before the proxy could look. */
async function assertReset(port: number): Promise<void> {
  const socket = connect(port, vip);
  const [error] = await Promise.race([once(socket, 'close'), failureOf(socket)]);
  assert.ok(error !== false, 'closed in order');
}

function failureOf(socket: Socket): Promise<unknown[]> {
  return new Promise((resolve) => socket.once('error', (error) => resolve([error])));
}

/** Tries until it holds, but not for ever. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (const deadlineMs = systemClock.monotonicMs() + 60_000; !(await check()); ) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, 'never held');
    await systemClock.sleep(10);
  }
}

test('TCP: connections spread, a dead endpoint is passed over, and go on when the Service is gone', async () => {
  const [a, b, dead] = [await tcpEcho('a'), await tcpEcho('b'), at(await freePort())];
  await install(program('tcp', 'TCP', 18081, [a.target, b.target, dead]));
  const seen = new Map<string, number>();
  for (let n = 0; n < 12; n++) {
    const socket = await open(18081);
    const answer = await ask(socket, 'x');
    seen.set(answer, (seen.get(answer) ?? 0) + 1);
    socket.destroy();
  }
  assert.deepEqual([...seen.keys()].sort(), ['a x', 'b x']);
  const established = await open(18081);
  assert.match(await ask(established, '1'), /^[ab] 1$/);
  await applier.apply(new Map([['default/tcp', undefined]]));
  await assert.rejects(open(18081), { code: 'ECONNREFUSED' });
  assert.match(await ask(established, '2'), /^[ab] 2$/);
  established.end();
  await once(established, 'end');
});

test('no endpoints: refused; endpoints come and go without a new Service', async () => {
  const a = await tcpEcho('a');
  await install(program('empty', 'TCP', 18082, []));
  await assert.rejects(open(18082), { code: 'ECONNREFUSED' });
  await install(program('empty', 'TCP', 18082, [a.target]));
  const socket = await open(18082);
  assert.equal(await ask(socket, 'x'), 'a x');
  socket.destroy();
  await install(program('empty', 'TCP', 18082, []));
  await assert.rejects(open(18082), { code: 'ECONNREFUSED' });
});

async function udpEcho(name: string): Promise<EndpointTarget> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`${name} ${message}`, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  servers.push(socket);
  return at(socket.address().port);
}

/** A port that no other process has at any address. */
for (const [family, wildcard, addresses] of [
  ['IPv4', '0.0.0.0', ['127.0.0.1', '127.0.0.5', vip]],
  ['IPv6', '::', ['::1', '::1']],
] as const) {
  test(`UDP at all addresses answers from the one that was asked, ${family}`, async () => {
    const echo = await udpEcho('a');
    const port = await freePort();
    await install(program(`everywhere-${family}`, 'UDP', port, [echo], wildcard));
    const client = createSocket(family === 'IPv4' ? 'udp4' : 'udp6');
    servers.push(client);
    // One client, one port: what tells its flows apart is the address it asks.
    for (const address of [...addresses, ...addresses]) {
      const answer = once(client, 'message', { signal: AbortSignal.timeout(10_000) });
      client.send('hello', port, address);
      const [text, from] = (await answer) as [Buffer, { readonly address: string }];
      assert.equal(String(text), 'a hello');
      assert.equal(from.address, address);
    }
  });
}

test('UDP: a flow stays with its endpoint and leaves one that is gone', async () => {
  const [a, b] = [await udpEcho('a'), await udpEcho('b')];
  await install(program('udp', 'UDP', 18083, [a]));
  const client = createSocket('udp4');
  servers.push(client);
  const exchange = async (): Promise<string> => {
    client.send('x', 18083, vip);
    const [answer] = await once(client, 'message');
    return String(answer);
  };
  assert.equal(await exchange(), 'a x');
  await install(program('udp', 'UDP', 18083, [b, a]));
  for (let n = 0; n < 4; n++) assert.equal(await exchange(), 'a x');
  await install(program('udp', 'UDP', 18083, [b]));
  assert.equal(await exchange(), 'b x');
});

test('what cannot be served is told, and served once it can', async () => {
  const a = await tcpEcho('a');
  const blocker = createServer().listen(18084, vip);
  await once(blocker, 'listening');
  notices.length = 0;
  await install(program('foreign', 'TCP', 80, [a.target], '203.0.113.1'));
  await install(program('sctp', 'SCTP', 18085, [a.target]));
  await install(program('taken', 'TCP', 18084, [a.target]));
  await install(program('taken', 'TCP', 18084, [a.target]));
  assert.deepEqual(
    notices.map(({ service, reason }) => `${service} ${reason}`),
    ['default/foreign AddressNotAvailable', 'default/sctp ProtocolNotSupported', 'default/taken PortInUse'],
  );
  blocker.close();
  await once(blocker, 'close');
  await install(program('taken', 'TCP', 18084, [a.target]));
  const socket = await open(18084);
  assert.equal(await ask(socket, 'x'), 'a x');
  socket.destroy();
});

test('source lists, limits and affinity hold for connections', async () => {
  const [a, b] = [await tcpEcho('a'), await tcpEcho('b')];
  const both = [a.target, b.target];
  await install(program('denied', 'TCP', 18086, both, vip, { deniedSources: ['127.0.0.1/32'] }));
  await assertReset(18086);
  await install(program('capped', 'TCP', 18087, both, vip, { limits: { maxConnections: 1 } }));
  const only = await open(18087);
  assert.match(await ask(only, 'x'), /^[ab] x$/);
  await assertReset(18087);
  only.end();
  await once(only, 'close');
  await eventually(async () => {
    const again = await open(18087);
    again.on('error', () => undefined);
    again.write('x');
    const [answer] = await Promise.race([once(again, 'data'), once(again, 'close')]);
    again.destroy();
    return /^[ab] x$/.test(String(answer));
  });
  await install(program('sticky', 'TCP', 18088, both, vip, { affinityTimeoutSeconds: 60 }));
  const answers = new Set<string>();
  for (let n = 0; n < 6; n++) {
    const socket = await open(18088);
    answers.add(await ask(socket, 'x'));
    socket.destroy();
  }
  assert.equal(answers.size, 1);
});

test('a node port that moves to another port of its Service goes with it', async () => {
  const [a, b] = [await tcpEcho('a'), await tcpEcho('b')];
  const own = createUserspaceApplier({ clock: systemClock, log: () => undefined, nodePortAddresses: [vip] });
  const withNodePort = (port: number, endpoint: EndpointTarget): ServiceProgram =>
    program('moving', 'TCP', port, [endpoint], '203.0.113.1', { nodePort: 18089, vips: [] });
  const use = (next: ServiceProgram): Promise<void> => own.apply(new Map([[next.key, next]]));
  await use(withNodePort(80, a.target));
  const first = await open(18089);
  assert.equal(await ask(first, 'x'), 'a x');
  first.destroy();
  await use(withNodePort(81, b.target));
  const second = await open(18089);
  assert.equal(await ask(second, 'x'), 'b x');
  second.destroy();
  await own.remove();
});

test('a thread that dies is replaced, with its listening sockets', async () => {
  const logs: string[] = [];
  const trap = join(tmpdir(), `fltest-proxy-crash-${process.pid}`);
  const proxy = new UserspaceProxy({
    clock: systemClock,
    log: (level, message) => logs.push(`${level} ${message}`),
    threadModule: new URL('./testing/crashing-proxy-thread.ts', import.meta.url),
  });
  const a = await tcpEcho('a');
  const { ports } = program('crash', 'TCP', 18090, [a.target]);
  const socket = openFrontendSocket(vip, 18090, 'TCP');
  assert.ok(typeof socket === 'object');
  proxy.setPort(ports[0]!.key, ports[0]);
  proxy.open(ports[0]!.key, { kind: 'clusterIP', address: vip }, socket);
  const established = await open(18090);
  assert.equal(await ask(established, '1'), 'a 1');
  const ended = new Promise((resolve) => established.once('close', resolve));
  established.on('error', () => undefined);
  writeFileSync(trap, '');
  established.write('2');
  await ended;
  // Nobody accepts at the moment, but the socket is there: this one waits for the successor.
  const next = await open(18090);
  assert.equal(await ask(next, '3'), 'a 3');
  next.destroy();
  assert.ok(logs.includes('error userspace proxy thread failed'), logs.join());
  await proxy.stop();
});
