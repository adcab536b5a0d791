import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { EAGAIN, EPROTO } from '../sys/errno.ts';
import { AF_INET, EPOLLIN, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import { platformProblem } from '../sys/platform.ts';
import { accept4, bind, close, listen, localAddress, socket } from '../sys/socket.ts';
import { socketAddress } from '../sys/socket-address.ts';
import { HANDSHAKE_PAUSE, TlsTransport } from './tls-transport.ts';

const deadlineMs = 60_000;

/** Calls a step again and again until it gives what is wanted. */
async function until(step: () => number, isDone: (result: number) => boolean): Promise<number> {
  const end = systemClock.monotonicMs() + deadlineMs;
  for (;;) {
    const result = step();
    if (isDone(result)) return result;
    assert.ok(systemClock.monotonicMs() < end, `still ${result}`);
    await systemClock.sleep(1);
  }
}

test('a part of a ClientHello that the kernel wants to be rid of ends nothing; its end does', {
  skip: platformProblem() ?? false,
}, async () => {
  const server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(bind(server, socketAddress('127.0.0.1', 0)!), 0);
  assert.equal(listen(server, 1), 0);
  const client = connect(localAddress(server)!.port, '127.0.0.1');
  await once(client, 'connect');
  const fd = await until(
    () => accept4(server, SOCK_NONBLOCK),
    (result) => result !== -EAGAIN,
  );
  try {
    const transport = new TlsTransport(
      { choose: () => undefined, handshakeMs: deadlineMs, onEstablished() {}, onFailed() {} },
      undefined,
    );
    const scratch = new PinnedBuffer(64 * 1024);
    const step = (): number => transport.advance(fd, scratch);
    // The head of a record of 1,000 bytes, and of a ClientHello that fills it; then no more of it for a while.
    client.write(Uint8Array.of(22, 3, 1, 1000 >> 8, 1000 & 255, 1, 0, 996 >> 8, 996 & 255, 3, 3));
    // Without an event in between: the same bytes are looked at again, as when memory is short.
    assert.equal(await until(step, (result) => result !== EPOLLIN), HANDSHAKE_PAUSE);
    assert.equal(step(), HANDSHAKE_PAUSE);
    client.end();
    assert.equal(await until(step, (result) => result !== HANDSHAKE_PAUSE), -EPROTO);
    assert.equal(transport.failure, 'ended within the ClientHello');
  } finally {
    client.destroy();
    close(fd);
    close(server);
  }
});
