import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../sys/clock.ts';
import { eventfd, signalEventfd } from '../sys/eventfd.ts';
import { AF_INET, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { bind, close, connect, listen, localAddress, socket } from '../sys/socket.ts';
import { socketAddress } from '../sys/socket-address.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';
import { EpollReactor } from './epoll-reactor.ts';
import { NO_HANDLER } from './reactor.ts';
import { testConnections } from './testing/connections.ts';
import { testDatagrams } from './testing/datagrams.ts';
import { testProxied } from './testing/proxied.ts';
import { testRelays } from './testing/relays.ts';
import { type BoundForTest, dial, play, type ReactorMaker } from './testing/scene.ts';

/** Opens and closes so many connections; prints by how many bytes the old generation has grown meanwhile. */
const SHORT_CONNECTIONS = fileURLToPath(new URL('testing/short-connections.ts', import.meta.url));

const makeEpollReactor: ReactorMaker = async () => {
  const wakeFd = eventfd();
  const ledger = new DescriptorLedger();
  const logs: string[] = [];
  const open = [wakeFd];
  const reactor: EpollReactor = new EpollReactor({
    clock: systemClock,
    log: (_, message, fields) => logs.push(`${message} ${JSON.stringify(fields)}`),
    wakeFd,
    onWake: () => reactor.stop(),
    ledger,
  });
  const bound = (type: number): BoundForTest => {
    const fd = socket(AF_INET, type | SOCK_NONBLOCK);
    open.push(fd);
    assert.equal(bind(fd, socketAddress('127.0.0.1', 0)!), 0);
    return { socket: fd, at: localAddress(fd)! };
  };
  return {
    reactor,
    logs,
    bindTcp: () => bound(SOCK_STREAM),
    bindUdp: () => bound(SOCK_DGRAM),
    startListening: ({ socket: fd }) => assert.equal(listen(fd as number, 16), 0),
    finish() {
      for (const fd of open) close(fd);
      return ledger.takeAll().map((fd) => `descriptor ${fd}`);
    },
  };
};

testConnections('epoll', makeEpollReactor);
testRelays('epoll', makeEpollReactor);
testProxied('epoll', makeEpollReactor);
testDatagrams('epoll', makeEpollReactor);

test('input that waits in the socket is known before it is read', async () => {
  const seen: boolean[] = [];
  await play(makeEpollReactor, (scene) => {
    const { reactor, server, client } = scene;
    const look = (): void => {
      if (server.connection!.hasUnread) {
        seen.push(true);
        server.connection!.resumeReading();
      } else reactor.after(1, look);
    };
    const begin = (): void => {
      if (server.connection === undefined) {
        reactor.after(1, begin);
        return;
      }
      seen.push(server.connection.hasUnread);
      server.connection.pauseReading();
      client.connection!.writeBytes(Buffer.from('x'));
      look();
    };
    client.connected = begin;
    server.data = () => {
      seen.push(server.connection!.hasUnread);
      reactor.stop();
    };
    dial(scene);
  });
  assert.deepEqual(seen, [false, true, false]);
});

test('a listener that stops accepts all that wait', async () => {
  const count = 150;
  const made = await makeEpollReactor();
  const { reactor } = made;
  const { socket: server, at } = made.bindTcp();
  assert.equal(listen(server as number, 2 * count), 0);
  let accepted = 0;
  const listener = reactor.listen(server, (connection) => {
    accepted++;
    connection.close();
    return NO_HANDLER;
  });
  const clients = Array.from({ length: count }, () => {
    const fd = socket(AF_INET, SOCK_STREAM);
    assert.equal(connect(fd, at), 0);
    return fd;
  });
  reactor.after(0, () => {
    listener.stop();
    reactor.stop();
  });
  await reactor.run();
  for (const fd of clients) close(fd);
  assert.deepEqual(made.finish(), []);
  assert.equal(accepted, count);
});

test('connections that are over are garbage of the young generation', () => {
  // Fewer than fit into it at a time survive; the rest must not grow old, which costs more than all else that is done for them.
  const grown = Number(execFileSync(process.execPath, [SHORT_CONNECTIONS, '8000'], { encoding: 'utf8' }));
  assert.ok(grown < 5e5, `the old generation grew by ${grown} bytes`);
});

test('a signal from outside wakes a blocked loop', async () => {
  const wakeFd = eventfd();
  let woken = 0;
  const reactor = new EpollReactor({
    clock: systemClock,
    log: () => {},
    wakeFd,
    onWake: () => {
      woken++;
      reactor.stop();
    },
    ledger: new DescriptorLedger(),
  });
  signalEventfd(wakeFd);
  await reactor.run();
  assert.equal(woken, 1);
  close(wakeFd);
});
