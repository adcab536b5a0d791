import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { DatagramBatch } from './datagrams.ts';
import { EPOLL_EVENT_BYTES, Epoll } from './epoll.ts';
import { EADDRINUSE, EAGAIN, EBADF, ECONNREFUSED, EINPROGRESS, EINVAL, errnoName } from './errno.ts';
import { drainEventfd, eventfd, signalEventfd } from './eventfd.ts';
import * as linux from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { platformProblem } from './platform.ts';
import * as net from './socket.ts';
import { EncodedAddress, type SocketAddress, socketAddress } from './socket-address.ts';

const LOOPBACKS = ['127.0.0.1', '::1'] as const;

function listener(address: string): { fd: number; at: SocketAddress } {
  const at = socketAddress(address, 0)!;
  const domain = at.family === 'ipv4' ? linux.AF_INET : linux.AF_INET6;
  const fd = net.socket(domain, linux.SOCK_STREAM | linux.SOCK_NONBLOCK);
  assert.ok(fd >= 0, errnoName(fd));
  assert.equal(net.bind(fd, at), 0);
  assert.equal(net.listen(fd, 16), 0);
  return { fd, at: net.localAddress(fd)! };
}

for (const address of LOOPBACKS) {
  test(`a TCP connection over ${address}: accept, echo, end of stream`, () => {
    const server = listener(address);
    const epoll = new Epoll(8);
    assert.equal(epoll.add(server.fd, linux.EPOLLIN, 7), 0);
    const domain = server.at.family === 'ipv4' ? linux.AF_INET : linux.AF_INET6;
    const client = net.socket(domain, linux.SOCK_STREAM | linux.SOCK_NONBLOCK);
    const started = net.connectEncoded(client, new EncodedAddress(server.at));
    assert.ok(started === 0 || started === -EINPROGRESS, errnoName(started));
    assert.equal(epoll.wait(5000), 1);
    assert.equal(epoll.eventToken(0), 7);
    assert.equal(epoll.eventBits(0) & linux.EPOLLIN, linux.EPOLLIN);
    const accepted = net.accept4(server.fd, linux.SOCK_NONBLOCK);
    assert.ok(accepted >= 0, errnoName(accepted));
    assert.deepEqual(net.lastAcceptedAddress(), net.localAddress(client));
    assert.deepEqual(net.peerAddress(client), server.at);
    assert.equal(net.takeSocketError(client), 0);

    const buffer = new PinnedBuffer(64);
    assert.equal(net.recv(accepted, buffer, 0, 64), -EAGAIN);
    buffer.bytes.write('hello, kernel', 3, 'latin1');
    assert.equal(net.send(client, buffer, 3, 13), 13);
    assert.equal(epoll.add(accepted, linux.EPOLLIN, 9), 0);
    assert.equal(epoll.wait(5000), 1);
    assert.equal(epoll.eventToken(0), 9);
    assert.equal(net.recv(accepted, buffer, 40, 24), 13);
    assert.equal(buffer.bytes.toString('latin1', 40, 53), 'hello, kernel');

    const parts = [
      { buffer, offset: 40, length: 5 },
      { buffer, offset: 45, length: 8 },
    ];
    assert.equal(net.writev(accepted, parts), 13);
    assert.equal(net.shutdown(accepted, linux.SHUT_WR), 0);
    assert.equal(epoll.modify(client, linux.EPOLLIN, 11), -2, 'ENOENT: not registered');
    assert.equal(epoll.add(client, linux.EPOLLIN, 11), 0);
    assert.equal(epoll.wait(5000), 1);
    assert.equal(
      net.readv(client, [
        { buffer, offset: 0, length: 4 },
        { buffer, offset: 20, length: 20 },
      ]),
      13,
    );
    assert.equal(buffer.bytes.toString('latin1', 0, 4) + buffer.bytes.toString('latin1', 20, 29), 'hello, kernel');
    assert.equal(net.recv(client, buffer, 0, 64), 0, 'end of stream');
    for (const fd of [client, accepted, server.fd]) assert.equal(net.close(fd), 0);
    epoll.close();
  });
}

test('errors are negative errno values', () => {
  const buffer = new PinnedBuffer(16);
  const server = listener('127.0.0.1');
  const other = net.socket(linux.AF_INET, linux.SOCK_STREAM);
  assert.equal(net.bind(other, server.at), -EADDRINUSE);
  net.close(server.fd);
  assert.equal(net.connect(other, server.at), -ECONNREFUSED);
  net.close(other);
  assert.equal(net.recv(-1, buffer, 0, 16), -EBADF);
  assert.equal(net.recv(0, buffer, 8, 9), -EINVAL, 'range beyond the buffer');
  assert.equal(net.send(0, buffer, -1, 4), -EINVAL);
  assert.equal(errnoName(-EADDRINUSE), 'EADDRINUSE');
  assert.equal(errnoName(-9999), 'errno 9999');
});

test('socket options', () => {
  const fd = net.socket(linux.AF_INET, linux.SOCK_STREAM);
  assert.equal(net.getSocketOption(fd, linux.IPPROTO_TCP, linux.TCP_NODELAY), 0);
  assert.equal(net.setSocketOption(fd, linux.IPPROTO_TCP, linux.TCP_NODELAY, 1), 0);
  assert.equal(net.getSocketOption(fd, linux.IPPROTO_TCP, linux.TCP_NODELAY), 1);
  const linger = Buffer.from([1, 0, 0, 0, 5, 0, 0, 0]);
  assert.equal(net.setSocketOptionBytes(fd, linux.SOL_SOCKET, linux.SO_LINGER, linger), 0);
  assert.deepEqual(net.getSocketOptionBytes(fd, linux.SOL_SOCKET, linux.SO_LINGER), linger);
  net.close(fd);
});

test('a batch of datagrams goes out and comes back with its peers', () => {
  const make = (): number => {
    const fd = net.socket(linux.AF_INET, linux.SOCK_DGRAM | linux.SOCK_NONBLOCK);
    assert.equal(net.bind(fd, socketAddress('127.0.0.1', 0)!), 0);
    return fd;
  };
  const server = make();
  const client = make();
  const outbound = new DatagramBatch(4, 32);
  const inbound = new DatagramBatch(8, 8);
  assert.equal(inbound.receive(server, linux.MSG_DONTWAIT), -EAGAIN);
  for (const [i, text] of ['one', 'three33', 'longer than a slot'].entries()) {
    outbound.setPeer(i, net.localAddress(server)!);
    outbound.bytes.write(text, i * 32, 'latin1');
    outbound.setSendLength(i, text.length);
  }
  assert.equal(outbound.send(client, 0, 3, 0), 3);
  assert.equal(outbound.send(client, 2, 3, 0), -EINVAL);
  const epoll = new Epoll(2);
  epoll.add(server, linux.EPOLLIN, 1);
  let received = 0;
  while (received < 3) {
    assert.equal(epoll.wait(5000), 1);
    received += inbound.receive(server, linux.MSG_DONTWAIT);
  }
  assert.equal(inbound.receivedLength(0), 3);
  assert.equal(inbound.bytes.toString('latin1', 8, 8 + inbound.receivedLength(1)), 'three33');
  assert.deepEqual([inbound.wasTruncated(1), inbound.wasTruncated(2)], [false, true]);
  assert.deepEqual(inbound.peer(1), net.localAddress(client));
  outbound.bytes.write('back', 0, 'latin1');
  outbound.copyPeer(0, inbound, 1);
  outbound.setSendLength(0, 4);
  inbound.resetPeer(0);
  assert.equal(outbound.send(server, 0, 1, 0), 1);
  epoll.add(client, linux.EPOLLIN, 2);
  assert.equal(epoll.wait(5000), 1);
  assert.equal(inbound.receive(client, linux.MSG_DONTWAIT), 1);
  assert.deepEqual([inbound.receivedLength(0), inbound.peer(0)], [4, net.localAddress(server)]);
  for (const fd of [server, client]) net.close(fd);
  epoll.close();
});

test('several epoll events at once keep their tokens (struct stride)', () => {
  assert.equal(EPOLL_EVENT_BYTES, process.arch === 'x64' ? 12 : 16);
  const epoll = new Epoll(4);
  const fds = [eventfd(), eventfd(), eventfd()];
  for (const [i, fd] of fds.entries()) {
    epoll.add(fd, linux.EPOLLIN, 0x7fff0000 + i);
    signalEventfd(fd);
  }
  assert.equal(epoll.wait(0), 3);
  assert.deepEqual([0, 1, 2].map((i) => epoll.eventToken(i)).sort(), [0x7fff0000, 0x7fff0001, 0x7fff0002]);
  signalEventfd(fds[0]!);
  assert.equal(drainEventfd(fds[0]!), 2);
  assert.equal(drainEventfd(fds[0]!), 0);
  assert.equal(epoll.remove(fds[1]!), 0);
  assert.equal(epoll.wait(0), 1);
  for (const fd of fds) net.close(fd);
  epoll.close();
});

test('a worker thread blocks in epoll and is woken by an eventfd', { timeout: 120_000 }, async () => {
  const fd = eventfd();
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    const { Epoll } = await import(workerData.epoll);
    const { drainEventfd } = await import(workerData.eventfd);
    const epoll = new Epoll(4);
    epoll.add(workerData.fd, 1, 5);
    parentPort.postMessage('waiting');
    const count = epoll.wait(30000);
    parentPort.postMessage([count, epoll.eventToken(0), drainEventfd(workerData.fd)]);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: {
      fd,
      epoll: new URL('epoll.ts', import.meta.url).href,
      eventfd: new URL('eventfd.ts', import.meta.url).href,
    },
  });
  const messages: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message) => {
      messages.push(message);
      if (message === 'waiting') signalEventfd(fd);
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
  assert.deepEqual(messages, ['waiting', [1, 5, 1]]);
  net.close(fd);
});

test('an unknown platform is named', () => {
  assert.equal(platformProblem('linux', 'x64'), undefined);
  assert.match(platformProblem('darwin', 'arm64') ?? '', /needs Linux.*darwin/);
  assert.match(platformProblem('linux', 'ia32') ?? '', /ia32/);
});
