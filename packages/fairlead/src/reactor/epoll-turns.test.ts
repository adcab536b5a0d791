import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { eventfd } from '../sys/eventfd.ts';
import { AF_INET, SHUT_WR, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import { bind, close, connect, listen, localAddress, send, shutdown, socket } from '../sys/socket.ts';
import { type SocketAddress, socketAddress } from '../sys/socket-address.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';
import { EpollReactor } from './epoll-reactor.ts';
import { type Connection, NO_HANDLER } from './reactor.ts';

const BULK_CLIENTS = 300;
/** Events of bulk connections before the small request is sent: everybody is accepted and known by then. */
const SETTLED_EVENTS = BULK_CLIENTS * 4;

/** A reactor with one listening socket, and raw clients of it. */
function openScene() {
  const wakeFd = eventfd();
  const ledger = new DescriptorLedger();
  const reactor = new EpollReactor({ clock: systemClock, log: () => {}, wakeFd, onWake: () => {}, ledger });
  const open = [wakeFd];
  const listenOn = (): { fd: number; at: SocketAddress } => {
    const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    open.push(fd);
    assert.equal(bind(fd, socketAddress('127.0.0.1', 0)!), 0);
    assert.equal(listen(fd, 512), 0);
    return { fd, at: localAddress(fd)! };
  };
  const dial = (at: SocketAddress): number => {
    const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    open.push(fd);
    connect(fd, at);
    return fd;
  };
  /** Until the reactor is stopped, at most 20 s. */
  const play = async (): Promise<void> => {
    reactor.after(20_000, () => reactor.stop());
    await reactor.run();
    for (const fd of open) close(fd);
    assert.deepEqual(ledger.takeAll(), []);
  };
  return { reactor, listenOn, dial, play };
}

test('a small request waits for few of many connections that move as much as they can', async () => {
  const { reactor, listenOn, dial, play } = openScene();
  const listener = listenOn();
  const bytes = new PinnedBuffer(64 * 1024);
  /** Sends until the kernel takes no more. */
  const fill = (fd: number): void => {
    while (send(fd, bytes, 0, bytes.length) > 0);
  };
  const small = dial(listener.at);
  const bulk = new Map<number, number>();
  for (let i = 0; i < BULK_CLIENTS; i++) {
    const fd = dial(listener.at);
    bulk.set(localAddress(fd)!.port, fd);
    fill(fd);
  }
  let bulkEvents = 0;
  let waitedFor = -1;
  reactor.listen(listener.fd, (_, peer) => {
    const fd = bulk.get(peer.port);
    return {
      ...NO_HANDLER,
      onData() {
        if (fd === undefined) {
          waitedFor = bulkEvents - SETTLED_EVENTS;
          reactor.stop();
          return;
        }
        bulkEvents++;
        if (bulkEvents === SETTLED_EVENTS) assert.equal(send(small, bytes, 0, 1), 1);
        fill(fd);
      },
    };
  });
  await play();
  assert.ok(waitedFor >= 0, 'the small request was never read');
  assert.ok(waitedFor <= 64, `${waitedFor} events of bulk connections came before the small request`);
});

test('a hang-up that was noticed while reading was paused is not taken for the end once it goes on', async () => {
  const { reactor, listenOn, dial, play } = openScene();
  const listener = listenOn();
  const bytes = new PinnedBuffer(16);
  const [waking, resuming, hangingUp] = [dial(listener.at), dial(listener.at), dial(listener.at)];
  const names = new Map([waking, resuming, hangingUp].map((fd) => [localAddress(fd)!.port, fd]));
  const events: string[] = [];
  let paused: Connection | undefined;
  let accepted = 0;
  const onData = (fd: number): void => {
    if (fd === waking) {
      // Both are ready when the loop asks next, in this order.
      send(resuming, bytes, 0, 1);
      send(hangingUp, bytes, 0, 5);
      shutdown(hangingUp, SHUT_WR);
    } else if (fd === resuming) paused!.resumeReading();
    else events.push('data');
  };
  reactor.listen(listener.fd, (connection, peer) => {
    const fd = names.get(peer.port)!;
    if (fd === hangingUp) {
      paused = connection;
      connection.pauseReading();
      // With the peer's end too the connection hangs up, of which epoll tells whatever is waited for.
      connection.endWriting();
    }
    if (++accepted === 3) send(waking, bytes, 0, 1);
    return {
      ...NO_HANDLER,
      onData: () => onData(fd),
      onEnd() {
        events.push('end');
        reactor.stop();
      },
    };
  });
  await play();
  assert.deepEqual(events, ['data', 'end']);
});

test('small messages, a large one, small ones, then the last with the end right behind it: nothing stays unread', async () => {
  const { reactor, listenOn, dial, play } = openScene();
  const listener = listenOn();
  const bytes = new PinnedBuffer(256 * 1024);
  const client = dial(listener.at);
  const small = 20;
  let received = 0;
  let sent = 0;
  let isEnded = false;
  /** As much as fits now, the rest after the next piece was read. */
  const sendLarge = (): void => {
    const result = send(client, bytes, 0, bytes.length - sent);
    if (result > 0) sent += result;
  };
  const next = (): void => {
    const large = Math.max(0, received - small);
    if (received < small) assert.equal(send(client, bytes, 0, 1), 1);
    else if (sent < bytes.length) sendLarge();
    else if (large >= bytes.length && large < bytes.length + small) assert.equal(send(client, bytes, 0, 1), 1);
    else if (large === bytes.length + small) {
      // Both before the loop looks again: one event tells of the two.
      assert.equal(send(client, bytes, 0, 1), 1);
      shutdown(client, SHUT_WR);
    }
  };
  reactor.listen(listener.fd, () => {
    assert.equal(send(client, bytes, 0, 1), 1);
    return {
      ...NO_HANDLER,
      onData(start, end) {
        received += end - start;
        next();
      },
      onEnd() {
        isEnded = true;
        reactor.stop();
      },
    };
  });
  await play();
  assert.equal(received, small + bytes.length + small + 1);
  assert.equal(isEnded, true);
});

test('a peer that has said it sends no more is not waited for, unless it has', async () => {
  const { reactor, listenOn, dial, play } = openScene();
  const listener = listenOn();
  const bytes = new PinnedBuffer(16);
  /** Connections that are gone when the call returns. */
  const gone: number[] = [];
  const clients = [dial(listener.at), dial(listener.at)];
  for (const client of clients) assert.equal(await sendSoon(client, bytes), 1);
  reactor.listen(listener.fd, (connection) => ({
    ...NO_HANDLER,
    onData(start, end) {
      if (gone.length === 1) connection.retain(start, end);
      const before = reactor.stats().openConnections;
      connection.closeGracefully(true);
      gone.push(before - reactor.stats().openConnections);
      if (gone.length === 2) reactor.stop();
    },
  }));
  await play();
  // The second one lingers for what its peer may still send.
  assert.deepEqual(gone, [1, 0]);
});

/** The three-way handshake on the loopback device is over within the call of connect(2), or soon. */
async function sendSoon(fd: number, bytes: PinnedBuffer): Promise<number> {
  const end = systemClock.monotonicMs() + 20_000;
  for (;;) {
    const result = send(fd, bytes, 0, 1);
    if (result > 0 || systemClock.monotonicMs() > end) return result;
    await systemClock.sleep(1);
  }
}
