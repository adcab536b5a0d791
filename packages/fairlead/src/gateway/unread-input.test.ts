import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DescriptorLedger } from '../reactor/descriptor-ledger.ts';
import { EpollReactor } from '../reactor/epoll-reactor.ts';
import { type ConnectionHandler, NO_HANDLER, type SocketConnection } from '../reactor/reactor.ts';
import { systemClock } from '../sys/clock.ts';
import { eventfd } from '../sys/eventfd.ts';
import { AF_INET, MSG_PEEK, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { PinnedBuffer } from '../sys/pinned.ts';
import { platformProblem } from '../sys/platform.ts';
import { bind, close, listen, localAddress, recv, socket } from '../sys/socket.ts';
import { EncodedAddress, socketAddress } from '../sys/socket-address.ts';
import { createClientContext, createServerContext } from '../sys/tls-context.ts';
import { selfSignedIdentity } from './self-signed.ts';

/** A record of TLS 1.3 with one byte of content: head, content, its type, tag. */
const RECORD_BYTES = 5 + 1 + 1 + 16;

test('input that a TLS session has taken from the socket counts as unread until the handler has it', {
  skip: platformProblem() ?? false,
}, async () => {
  const identity = selfSignedIdentity('localhost', systemClock.now());
  const serverSide = createServerContext({ identity });
  const clientSide = createClientContext({ verify: 'off' });
  assert.ok(serverSide.ok && clientSide.ok);
  const wakeFd = eventfd();
  const listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(bind(listening, socketAddress('127.0.0.1', 0)!), 0);
  assert.equal(listen(listening, 1), 0);
  const ledger = new DescriptorLedger();
  const reactor = new EpollReactor({ clock: systemClock, log: () => {}, wakeFd, onWake: () => {}, ledger });
  const peeked = new PinnedBuffer(256);
  const seen: string[] = [];
  let isLate = false;
  let server: (SocketConnection & { readonly fd?: number }) | undefined;
  let client: SocketConnection | undefined;
  const inSocket = (): number => Math.max(0, recv(server!.fd!, peeked, 0, peeked.length, MSG_PEEK));
  const note = (what: string): void => {
    seen.push(`${what}: ${server!.hasUnread ? 'unread' : 'nothing'}, socket ${inSocket() > 0}`);
  };
  const serverHandler: ConnectionHandler = {
    ...NO_HANDLER,
    onData: (start, end) => {
      note(reactor.input.bytes.toString('latin1', start, end));
      server!.pauseReading();
      if (seen.length === 3) {
        reactor.stop();
        return;
      }
      // In a turn of its own: the first record's is over by then.
      reactor.after(1, () => {
        note('paused');
        server!.resumeReading();
      });
    },
  };
  const awaitBoth = (): void => {
    if (server !== undefined && inSocket() >= 2 * RECORD_BYTES) server.resumeReading();
    else reactor.after(1, awaitBoth);
  };
  const policy = {
    choose: () => ({ context: serverSide.context, alpn: 'none' as const }),
    handshakeMs: 20_000,
    onEstablished() {},
    onFailed: (reason: string) => void seen.push(reason),
  };
  const accept = (connection: SocketConnection): ConnectionHandler => {
    server = connection;
    connection.pauseReading();
    client!.writeBytes(Buffer.from('a'));
    client!.writeBytes(Buffer.from('b'));
    awaitBoth();
    return serverHandler;
  };
  reactor.listen(listening, accept, { tls: policy });
  reactor.after(20_000, () => {
    isLate = true;
    reactor.stop();
  });
  client = reactor.connect(new EncodedAddress(localAddress(listening)!), NO_HANDLER, {
    context: clientSide.context,
    serverName: undefined,
    verifyName: undefined,
  });
  await reactor.run();
  for (const fd of [listening, wakeFd]) close(fd);
  assert.equal(isLate, false, `stuck after ${seen}`);
  assert.deepEqual(seen, ['a: unread, socket false', 'paused: unread, socket false', 'b: nothing, socket false']);
});
