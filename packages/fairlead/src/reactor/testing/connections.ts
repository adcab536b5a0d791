import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HIGH_WATER_BYTES } from '../reactor.ts';
import { dial, play, type ReactorMaker, unusedAddress } from './scene.ts';

/** What every implementation of the reactor must do with connections. */
export function testConnections(name: string, make: ReactorMaker): void {
  test(`${name}: echo, retained bytes, half-close`, async () => {
    let received = '';
    const scene = await play(make, (scene) => {
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

  test(`${name}: whoever has no more to send is closed at once, and gets all that was written`, async () => {
    const answer = Buffer.alloc(100_000, 'x');
    let received = 0;
    let wasOpen: boolean | undefined;
    const scene = await play(make, (scene) => {
      const { reactor, server, client } = scene;
      dial(scene);
      client.connection!.writeBytes(Buffer.from('last'));
      server.data = () => {
        server.connection!.writeBytes(answer);
        server.connection!.closeGracefully(true);
        wasOpen = server.connection!.isOpen;
      };
      client.data = (start, end) => {
        received += end - start;
      };
      client.ended = () => {
        client.connection!.close();
        reactor.stop();
      };
    });
    assert.equal(received, answer.length);
    assert.equal(wasOpen, false);
    assert.equal(scene.client.events.at(-1), 'end');
  });

  test(`${name}: whoever sends more although it said that it would not still gets all that was written`, async () => {
    const answer = Buffer.alloc(100_000, 'x');
    let received = 0;
    const scene = await play(make, (scene) => {
      const { reactor, server, client } = scene;
      dial(scene);
      client.connection!.writeBytes(Buffer.from('last'));
      server.data = () => {
        server.connection!.pauseReading();
        client.connection!.writeBytes(Buffer.from('and one more'));
        const answerOnceItIsHere = (): void => {
          if (!server.connection!.hasUnread) {
            reactor.after(1, answerOnceItIsHere);
            return;
          }
          server.connection!.writeBytes(answer);
          server.connection!.closeGracefully(true);
        };
        answerOnceItIsHere();
      };
      client.data = (start, end) => {
        received += end - start;
      };
      client.ended = () => {
        client.connection!.close();
        reactor.stop();
      };
    });
    assert.equal(received, answer.length);
    assert.equal(scene.client.events.at(-1), 'end');
  });

  test(`${name}: redeliver hands retained bytes over without new ones`, async () => {
    const scene = await play(make, (scene) => {
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

  test(`${name}: a refused connection is told to its handler`, async () => {
    const scene = await play(make, (scene) => {
      scene.client.failed = () => scene.reactor.stop();
      dial(scene, unusedAddress(scene));
    });
    assert.deepEqual(scene.client.events, ['failed ECONNREFUSED']);
  });

  test(`${name}: back-pressure: congested above the high watermark, drained below the low one, all bytes in order`, async () => {
    const total = 8 * 1024 * 1024;
    let sent = 0;
    let received = 0;
    let wrong = 0;
    const scene = await play(make, (scene) => {
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

  test(`${name}: a peer that resets while reading is paused does not spin the loop`, async () => {
    const scene = await play(make, (scene) => {
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

  test(`${name}: deadlines: a late one, a moved one, and the linger limit`, async () => {
    const scene = await play(make, (scene) => {
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

  test(`${name}: an exception in a handler costs its connection only`, async () => {
    const scene = await play(make, (scene) => {
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
}
