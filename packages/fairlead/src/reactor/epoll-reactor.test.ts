import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { errnoName } from '../sys/errno.ts';
import { eventfd, signalEventfd } from '../sys/eventfd.ts';
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/linux-constants.ts';
import { bind, close, EncodedAddress, listen, localAddress, socket } from '../sys/socket.ts';
import { type SocketAddress, socketAddress } from '../sys/socket-address.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';
import { EpollReactor } from './epoll-reactor.ts';
import { type Connection, type ConnectionHandler, HIGH_WATER_BYTES } from './reactor.ts';

/** A handler that notes what happens; single behaviours are replaced per test. */
class Notes implements ConnectionHandler {
  readonly events: string[] = [];
  connection: Connection | undefined = undefined;
  data: (start: number, end: number) => void = () => {};
  ended: () => void = () => {};
  failed: () => void = () => {};
  drained: () => void = () => {};
  timeout: () => void = () => {};
  connected: () => void = () => {};

  onConnected(): void {
    this.events.push('connected');
    this.connected();
  }
  onData(start: number, end: number): void {
    this.events.push(`data ${end - start}`);
    this.data(start, end);
  }
  onEnd(): void {
    this.events.push('end');
    this.ended();
  }
  onDrained(): void {
    this.events.push('drained');
    this.drained();
  }
  onTimeout(): void {
    this.events.push('timeout');
    this.timeout();
  }
  onFailed(error: number): void {
    this.events.push(`failed ${errnoName(error)}`);
    this.failed();
  }
}

interface Scene {
  readonly reactor: EpollReactor;
  readonly ledger: DescriptorLedger;
  readonly logs: string[];
  readonly server: Notes;
  readonly client: Notes;
  readonly at: SocketAddress;
}

/** Runs a reactor until the scene stops it (or 20 s pass, which fails the test). */
function play(setUp: (scene: Scene) => void): Scene {
  const wakeFd = eventfd();
  const ledger = new DescriptorLedger();
  const logs: string[] = [];
  const reactor = new EpollReactor({
    clock: systemClock,
    log: (_, message, fields) => logs.push(`${message} ${JSON.stringify(fields)}`),
    wakeFd,
    onWake: () => reactor.stop(),
    ledger,
  });
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(bind(fd, socketAddress('127.0.0.1', 0)!), 0);
  assert.equal(listen(fd, 16), 0);
  const at = localAddress(fd)!;
  const scene: Scene = { reactor, ledger, logs, server: new Notes(), client: new Notes(), at };
  reactor.listen(fd, (connection) => {
    scene.server.connection = connection;
    return scene.server;
  });
  let late = false;
  reactor.after(20_000, () => {
    late = true;
    reactor.stop();
  });
  setUp(scene);
  reactor.run();
  assert.equal(late, false, `stuck after ${scene.server.events} / ${scene.client.events}`);
  assert.deepEqual(ledger.takeAll(), [], 'every descriptor is closed');
  for (const open of [fd, wakeFd]) close(open);
  return scene;
}

const dial = (scene: Scene): void => {
  scene.client.connection = scene.reactor.connect(new EncodedAddress(scene.at), scene.client);
};

test('echo, retained bytes, half-close', () => {
  let received = '';
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    client.connection!.writeBytes(Buffer.from('ab'));
    server.data = (start, end) => {
      if (end - start < 4) {
        server.connection!.retain(start, end);
        client.connection!.writeBytes(Buffer.from('cd'));
      } else server.connection!.write(reactor.input, start, end);
    };
    client.data = (start, end) => {
      received += reactor.input.bytes.toString('latin1', start, end);
      client.connection!.endWriting();
    };
    server.ended = () => {
      server.connection!.writeBytes(Buffer.from('!'));
      server.connection!.closeGracefully();
    };
    client.ended = () => {
      client.connection!.close();
      reactor.stop();
    };
  });
  assert.equal(received, 'abcd!');
  assert.deepEqual(
    scene.client.events.filter((event) => event !== 'data 1'),
    ['connected', 'data 4', 'end'],
  );
});

test('redeliver hands retained bytes over without new ones', () => {
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    client.connection!.writeBytes(Buffer.from('one two'));
    let turn = 0;
    server.data = (start, end) => {
      if (turn++ === 0) {
        server.connection!.retain(start + 4, end);
        server.connection!.redeliver();
        assert.equal(turn, 1, 'not nested');
      } else {
        assert.equal(reactor.input.bytes.toString('latin1', start, end), 'two');
        reactor.stop();
      }
    };
  });
  assert.deepEqual(scene.server.events, ['data 7', 'data 3']);
});

test('a refused connection is told to its handler', () => {
  const spare = socket(AF_INET, SOCK_STREAM);
  bind(spare, socketAddress('127.0.0.1', 0)!);
  const nobody = localAddress(spare)!;
  close(spare);
  const scene = play(({ reactor, client }) => {
    client.failed = () => reactor.stop();
    client.connection = reactor.connect(new EncodedAddress(nobody), client);
  });
  assert.deepEqual(scene.client.events, ['failed ECONNREFUSED']);
});

test('back-pressure: congested above the high watermark, drained below the low one, all bytes in order', () => {
  const total = 8 * 1024 * 1024;
  let sent = 0;
  let received = 0;
  let wrong = 0;
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    const piece = Buffer.alloc(16 * 1024);
    const pump = (): void => {
      while (sent < total && !client.connection!.isCongested) {
        for (let i = 0; i < piece.length; i++) piece[i] = (sent + i) % 251;
        sent += piece.length;
        client.connection!.writeBytes(piece);
      }
    };
    client.connected = pump;
    client.drained = pump;
    server.data = (start, end) => {
      for (let i = start; i < end; i++) if (reactor.input.bytes[i] !== received++ % 251) wrong++;
      if (received === total) reactor.stop();
      else if (received < HIGH_WATER_BYTES) {
        server.connection!.pauseReading();
        reactor.after(50, () => server.connection!.resumeReading());
      }
    };
  });
  assert.deepEqual([received, wrong], [total, 0]);
  assert.ok(scene.client.events.includes('drained'));
});

test('a peer that resets while reading is paused does not spin the loop', () => {
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    client.connection!.writeBytes(Buffer.from('x'));
    client.connected = () => client.connection!.pauseReading();
    server.data = () => {
      server.connection!.pauseReading();
      server.connection!.writeBytes(Buffer.from('unread'));
      // Unread input makes the client's close a reset.
      reactor.after(40, () => client.connection!.close());
    };
    server.failed = () => reactor.stop();
  });
  assert.match(scene.server.events.at(-1) ?? '', /^failed E(CONNRESET|PIPE)$/);
});

test('deadlines: a late one, a moved one, and the linger limit', () => {
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    client.connected = () => {
      client.connection!.setDeadline(reactor.nowMs + 30);
      client.connection!.setDeadline(reactor.nowMs + 60);
    };
    client.timeout = () => client.connection!.writeBytes(Buffer.from('late'));
    server.data = () => reactor.stop();
  });
  assert.deepEqual(scene.client.events, ['connected', 'timeout']);
});

test('an exception in a handler costs its connection only', () => {
  const scene = play((scene) => {
    const { reactor, server, client } = scene;
    dial(scene);
    client.connection!.writeBytes(Buffer.from('x'));
    server.data = () => {
      throw new Error('on purpose');
    };
    client.ended = () => reactor.stop();
    client.failed = () => reactor.stop();
  });
  assert.equal(scene.server.events.at(-1), 'failed ECONNABORTED');
  assert.equal(scene.reactor.stats().handlerErrors, 1);
  assert.match(scene.logs[0] ?? '', /on purpose/);
});

test('a signal from outside wakes a blocked loop', () => {
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
  reactor.run();
  assert.equal(woken, 1);
  close(wakeFd);
});
