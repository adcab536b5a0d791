import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../sys/clock.ts';

// The other side of datagram-peers.ts: servers that echo, and one script of clients.

const { script, port, words } = workerData as { script: string; port: number; words: Int32Array };
const open: Socket[] = [];

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  open.push(socket);
  return socket;
}

async function server(number: number): Promise<number> {
  const socket = await bound();
  socket.on('message', (message, from) => {
    socket.send(Buffer.concat([Buffer.from(`${number}`), message.subarray(0, 65_000)]), from.port, from.address);
  });
  return socket.address().port;
}

/** Sends until an answer comes: datagrams may be lost. */
async function exchange(client: Socket, message: Buffer): Promise<Buffer> {
  const answered = once(client, 'message') as Promise<[Buffer]>;
  for (;;) {
    client.send(message, port, '127.0.0.1');
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const cancel = systemClock.after(200, () => resolve(undefined));
    const answer = await Promise.race([answered, late]);
    cancel();
    if (answer !== undefined) return answer[0];
  }
}

/** Asks the test to act and waits for it. */
async function step(): Promise<void> {
  const before = Atomics.load(words, 1);
  Atomics.add(words, 0, 1);
  const waiting = Atomics.waitAsync(words, 1, before);
  await waiting.value;
}

const scripts: Readonly<Record<string, () => Promise<void>>> = {
  async many() {
    const clients = await Promise.all(Array.from({ length: 20 }, bound));
    // All at once, so that batches mix clients; then each in turn, over and over.
    await Promise.all(
      clients.map(async (client, index) => {
        const message = Buffer.from(`from ${index}`);
        const answer = await exchange(client, message);
        assert.equal(String(answer.subarray(1)), `from ${index}`);
      }),
    );
  },
  async lengths() {
    const client = await bound();
    for (const length of [0, 1, 512, 1472, 9000, 65_000]) {
      const message = Buffer.alloc(length, length % 251);
      const answer = await exchange(client, message);
      assert.equal(answer.length, length + 1);
      assert.ok(answer.subarray(1).equals(message));
    }
  },
  async moves() {
    const client = await bound();
    for (let i = 0; i < 5; i++) assert.equal(String(await exchange(client, Buffer.from('x'))), '1x');
    await step();
    for (let i = 0; i < 5; i++) assert.equal(String(await exchange(client, Buffer.from('x'))), '2x');
  },
  async refused() {
    await step();
    const client = await bound();
    assert.equal(String(await exchange(client, Buffer.from('x'))), '1x');
  },
  async idle() {
    const client = await bound();
    await exchange(client, Buffer.from('x'));
    await systemClock.sleep(400);
    await exchange(client, Buffer.from('x'));
  },
};

const ports = [await server(1), await server(2)];
const spare = await bound();
const closed = spare.address().port;
spare.close();
open.splice(open.indexOf(spare), 1);
parentPort!.postMessage({ ports, closed });
try {
  await scripts[script]!();
} finally {
  Atomics.store(words, 0, -1);
  for (const socket of open) socket.close();
}
