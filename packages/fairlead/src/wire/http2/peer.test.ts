import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { EchoServer } from './test-rig/echo-server.ts';

/** nghttp2, as Node's client, is the other side: it would end the connection at the first wrong byte. */
describe('nghttp2 as client', () => {
  let server: Server;
  let client: ClientHttp2Session;
  let echo: EchoServer;
  const sockets: Socket[] = [];
  before(async () => {
    server = createServer((socket) => {
      sockets.push(socket);
      echo = new EchoServer({ maxHeaderListBytes: 60_000 });
      socket.write(echo.take());
      let now = 0;
      socket.on('data', (chunk: Buffer) => {
        now += 10;
        const answer = echo.exchange(chunk, now);
        if (answer.length > 0) socket.write(answer);
      });
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    await once(client, 'connect');
  });
  after(() => {
    client?.destroy();
    for (const socket of sockets) socket.destroy();
    server?.close();
  });

  async function exchange(headers: Record<string, string>, body: Buffer): Promise<Buffer> {
    const stream = client.request({ ':method': 'POST', ...headers }, { signal: AbortSignal.timeout(20_000) });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.end(body);
    await once(stream, 'close');
    assert.equal(stream.rstCode, 0);
    return Buffer.concat(chunks);
  }

  test('header blocks of every kind arrive as they were sent', async () => {
    for (let round = 0; round < 200; round++) {
      const headers: Record<string, string> = { ':path': `/r/${round}` };
      for (let i = 0; i < round % 12; i++) {
        const printable = [...randomBytes((round * 7 + i) % 120)].map((byte) => String.fromCharCode(33 + (byte % 94)));
        headers[`x-${(round + i) % 17}`] = i % 3 === 0 ? 'same' : printable.join('');
      }
      await exchange(headers, Buffer.alloc(0));
      const seen = echo.requests.at(-1)!.fields;
      for (const [name, value] of Object.entries(headers)) {
        assert.deepEqual(seen.find(([key]) => key === name)?.[1], value, name);
      }
    }
    assert.equal(echo.error, undefined);
  });

  test('blocks larger than a frame', async () => {
    await exchange({ ':path': '/', 'x-large': 'a~'.repeat(20_000) }, Buffer.alloc(0));
    assert.equal(echo.requests.at(-1)!.fields.find(([name]) => name === 'x-large')![1].length, 40_000);
  });

  test('content larger than all windows comes back whole, on several streams', async () => {
    const bodies = Array.from({ length: 5 }, () => randomBytes(400_000));
    const echoed = await Promise.all(bodies.map((body) => exchange({ ':path': '/echo' }, body)));
    for (const [i, body] of bodies.entries()) assert.ok(echoed[i]!.equals(body));
  });

  test('PING is answered', async () => {
    const answered = Promise.withResolvers<void>();
    client.ping((error) => (error === null ? answered.resolve() : answered.reject(error)));
    await answered.promise;
  });
});
