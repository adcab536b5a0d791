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
