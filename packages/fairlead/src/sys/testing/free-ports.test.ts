import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort, freePorts } from './free-ports.ts';

test('ports are different, of every protocol, and none that the kernel gives to others', async () => {
  const ports = await freePorts(20);
  assert.equal(new Set(ports).size, 20);
  for (const port of ports) {
    assert.ok(port >= 10_240 && port < 30_000, `${port}`);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const socket = createSocket('udp4').bind(port, '127.0.0.1');
    await once(socket, 'listening');
    socket.close();
    await once(server.close(), 'close');
  }
});

test('a port that a server has, or a socket for datagrams on one address, is passed over', async () => {
  const first = await freePort();
  const server = createServer().listen(first + 1, '127.0.0.1');
  await once(server, 'listening');
  const socket = createSocket('udp4').bind(first + 2, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const ports = await freePorts(3);
    assert.ok(!ports.includes(first + 1) && !ports.includes(first + 2), ports.join());
  } finally {
    socket.close();
    await once(server.close(), 'close');
  }
});
