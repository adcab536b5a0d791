import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createUserspaceApplier, type UserspaceNotice } from './apply-userspace.ts';
import { EndpointPicker } from './endpoint-picker.ts';
import type { EndpointTarget, Protocol, ServiceProgram } from './program.ts';

// A loopback address of this process's own, so that test processes do not meet.
const vip = `127.96.${process.pid & 255}.${(process.pid >> 8) & 255}`;
const notices: UserspaceNotice[] = [];
const applier = createUserspaceApplier({
  clock: systemClock,
  random: () => 0,
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

test('TCP: connections spread, a dead endpoint is passed over, and go on when the Service is gone', async () => {
  const [a, b, dead] = [await tcpEcho('a'), await tcpEcho('b'), await tcpEcho('dead')];
  dead.server.close();
  await once(dead.server, 'close');
  await install(program('tcp', 'TCP', 18081, [a.target, b.target, dead.target]));
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

test('affinity lasts from the last connection until its time is over or its endpoint is gone', () => {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const picker = new EndpointPicker(clock, () => 0);
  const all = [at(1), at(2), at(3)];
  const pick = (endpoints: readonly EndpointTarget[], client: string): number | undefined =>
    picker.order(endpoints, client, 10)[0]?.port;
  const first = pick(all, 'x');
  assert.notEqual(pick(all, 'y'), first);
  for (let n = 0; n < 5; n++) {
    nowMs += 9000;
    assert.equal(pick(all, 'x'), first);
  }
  const others = all.filter(({ port }) => port !== first);
  const second = pick(others, 'x');
  assert.notEqual(second, first);
  assert.equal(pick(all, 'x'), second);
  nowMs += 10_000;
  assert.deepEqual(new Set([pick(all, 'a'), pick(all, 'b'), pick(all, 'c')]).size, 3);
});
