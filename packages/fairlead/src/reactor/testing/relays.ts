import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { EncodedAddress } from '../../sys/socket-address.ts';
import type { SocketConnection } from '../reactor.ts';
import { type RelayResult, type RelayTimes, TcpRelay } from '../tcp-relay.ts';
import { dial, play, type ReactorMaker, type Scene, unusedAddress } from './scene.ts';

const PATIENT: RelayTimes = { connectMs: 5000, idleMs: 60_000 };

/** What the relay of a scene did. */
interface Relayed {
  at: SocketAddress;
  relay: TcpRelay | undefined;
  client: SocketConnection | undefined;
  readonly unreachable: number[];
  readonly results: RelayResult[];
}

/** Puts a relay between the scene's client and its server. */
function putRelay(
  scene: Scene,
  options: {
    readonly times?: RelayTimes;
    readonly endpoints?: readonly SocketAddress[];
    readonly preamble?: string;
  } = {},
): Relayed {
  const bound = scene.bindTcp();
  scene.startListening(bound);
  const relayed: Relayed = { at: bound.at, relay: undefined, client: undefined, unreachable: [], results: [] };
  const endpoints = options.endpoints ?? [scene.at];
  scene.reactor.listen(bound.socket, (connection) => {
    let next = 0;
    relayed.client = connection;
    relayed.relay = new TcpRelay(
      scene.reactor,
      connection,
      {
        next: () => {
          const endpoint = endpoints[next++];
          return endpoint === undefined ? undefined : new EncodedAddress(endpoint);
        },
        preamble: () => (options.preamble === undefined ? undefined : Buffer.from(options.preamble)),
        unreachable: (error) => relayed.unreachable.push(error),
        connected: () => {},
        ended: (result) => relayed.results.push(result),
      },
      options.times ?? PATIENT,
    );
    return relayed.relay;
  });
  return relayed;
}

/** A byte that depends on its place in the stream, so that loss, repetition and disorder show. */
const patternAt = (at: number): number => (at * 31 + (at >> 8) + (at >> 16)) & 0xff;

/** Sends `total` patterned bytes as fast as they are taken. */
function pump(connection: SocketConnection, total: number, pieceBytes: number, whenDone: () => void): () => void {
  let sent = 0;
  return () => {
    while (sent < total && !connection.isCongested) {
      const piece = Buffer.alloc(Math.min(pieceBytes, total - sent));
      for (let i = 0; i < piece.length; i++) piece[i] = patternAt(sent + i);
      sent += piece.length;
      connection.writeBytes(piece);
      if (sent === total) whenDone();
    }
  };
}

/** What every implementation of the reactor must do with relays. */
export function testRelays(name: string, make: ReactorMaker): void {
  test(`${name}: a relay carries both directions and each end of stream on its own`, async () => {
    let atServer = '';
    let atClient = '';
    const results: RelayResult[] = [];
    await play(make, (scene) => {
      const { reactor, server, client } = scene;
      const relayed = putRelay(scene, { preamble: '<hello>' });
      dial(scene, relayed.at);
      client.connection!.writeBytes(Buffer.from('question'));
      client.connection!.endWriting();
      server.data = (start, end) => {
        atServer += reactor.input.bytes.toString('latin1', start, end);
      };
      server.ended = () => {
        // The client has ended; the answer still finds its way.
        server.connection!.writeBytes(Buffer.from('answer'));
        server.connection!.closeGracefully();
      };
      client.data = (start, end) => {
        atClient += reactor.input.bytes.toString('latin1', start, end);
      };
      client.ended = () => {
        client.connection!.close();
        results.push(...relayed.results);
        reactor.stop();
      };
    });
    assert.deepEqual([atServer, atClient], ['<hello>question', 'answer']);
    assert.deepEqual(results, [{ outcome: 'closed', fromClientBytes: 8, toClientBytes: 6 }]);
  });

  for (const [what, pieceBytes] of [
    ['in bulk', 256 * 1024],
    ['in small pieces', 700],
  ] as const) {
    test(`${name}: a relay carries both directions at once ${what}, every byte in place`, async () => {
      const total = pieceBytes === 700 ? 700 * 1500 : 24 * 1024 * 1024;
      const wrong = { client: 0, server: 0 };
      const received = { client: 0, server: 0 };
      let ends = 0;
      await play(make, (scene) => {
        const { reactor } = scene;
        const relayed = putRelay(scene);
        dial(scene, relayed.at);
        const check = (side: 'client' | 'server') => (start: number, end: number) => {
          for (let i = start; i < end; i++) {
            if (reactor.input.bytes[i] !== patternAt(received[side]++)) wrong[side]++;
          }
        };
        const ended = (): void => {
          if (++ends === 2) reactor.stop();
        };
        for (const side of ['client', 'server'] as const) {
          scene[side].data = check(side);
          scene[side].ended = ended;
        }
        const fromClient = pump(scene.client.connection!, total, pieceBytes, () =>
          scene.client.connection!.endWriting(),
        );
        scene.client.connected = fromClient;
        scene.client.drained = fromClient;
        reactor.after(0, function begin() {
          const { connection } = scene.server;
          if (connection === undefined) {
            reactor.after(10, begin);
            return;
          }
          const fromServer = pump(connection, total, pieceBytes, () => connection.endWriting());
          scene.server.drained = fromServer;
          fromServer();
        });
      });
      assert.deepEqual(received, { client: total, server: total });
      assert.deepEqual(wrong, { client: 0, server: 0 });
    });
  }

  test(`${name}: a slow reader holds the sender back, and gets everything once it reads`, async () => {
    const total = 32 * 1024 * 1024;
    let received = 0;
    let wrong = 0;
    let atRelayWhilePaused = 0;
    await play(make, (scene) => {
      const { reactor, server, client } = scene;
      const relayed = putRelay(scene);
      dial(scene, relayed.at);
      const send = pump(client.connection!, total, 64 * 1024, () => client.connection!.endWriting());
      client.connected = send;
      client.drained = send;
      server.data = (start, end) => {
        for (let i = start; i < end; i++) if (reactor.input.bytes[i] !== patternAt(received++)) wrong++;
        if (received > 4096 && atRelayWhilePaused === 0) {
          server.connection!.pauseReading();
          // Nothing moves any more: buffers are full on both sides.
          let before = -1;
          reactor.after(50, function look() {
            const now = relayed.client!.bytesRead;
            if (now !== before) {
              before = now;
              reactor.after(100, look);
              return;
            }
            atRelayWhilePaused = now;
            server.connection!.resumeReading();
          });
        }
      };
      server.ended = () => reactor.stop();
    });
    assert.deepEqual([received, wrong], [total, 0]);
    assert.ok(atRelayWhilePaused < total, `${atRelayWhilePaused} bytes were read for a reader that had stopped`);
  });

  test(`${name}: an endpoint that refuses is passed over, with what the client said meanwhile`, async () => {
    let relayed: Relayed | undefined;
    let received = '';
    await play(make, (scene) => {
      const { reactor, server, client } = scene;
      relayed = putRelay(scene, { endpoints: [unusedAddress(scene), scene.at] });
      dial(scene, relayed.at);
      client.connection!.writeBytes(Buffer.from('early'));
      server.data = (start, end) => {
        received += reactor.input.bytes.toString('latin1', start, end);
        if (received === 'early') reactor.stop();
      };
    });
    assert.equal(relayed!.unreachable.length, 1);
  });

  test(`${name}: without an endpoint the client is reset`, async () => {
    let relayed: Relayed | undefined;
    const scene = await play(make, (scene) => {
      relayed = putRelay(scene, { endpoints: [] });
      dial(scene, relayed.at);
      scene.client.failed = () => scene.reactor.stop();
      scene.client.ended = () => scene.reactor.stop();
    });
    assert.match(scene.client.events.at(-1) ?? '', /^failed (ECONNRESET|EPIPE)$/);
    assert.equal(relayed!.results[0]?.outcome, 'refused');
  });

  test(`${name}: a reset on one side is a reset on the other`, async () => {
    let relayed: Relayed | undefined;
    const scene = await play(make, (scene) => {
      const { reactor, server, client } = scene;
      relayed = putRelay(scene);
      dial(scene, relayed.at);
      client.connection!.writeBytes(Buffer.from('x'));
      server.data = () => server.connection!.reset();
      client.failed = () => reactor.stop();
    });
    assert.match(scene.client.events.at(-1) ?? '', /^failed (ECONNRESET|EPIPE)$/);
    assert.equal(relayed!.results[0]?.outcome, 'failed');
  });

  test(`${name}: an idle relay ends, one that carries something does not`, async () => {
    let relayed: Relayed | undefined;
    let exchanged = 0;
    await play(make, (scene) => {
      const { reactor, server, client } = scene;
      relayed = putRelay(scene, { times: { connectMs: 5000, idleMs: 1000 } });
      dial(scene, relayed.at);
      client.connected = () => client.connection!.writeBytes(Buffer.from('x'));
      server.data = () => server.connection!.writeBytes(Buffer.from('y'));
      client.data = () => {
        // Seven times 200 ms: longer than the idle time in sum.
        if (++exchanged < 7) reactor.after(200, () => client.connection!.writeBytes(Buffer.from('x')));
      };
      client.ended = () => reactor.stop();
      client.failed = () => reactor.stop();
    });
    assert.equal(exchanged, 7);
    assert.deepEqual(
      relayed!.results.map(({ outcome }) => outcome),
      ['idle'],
    );
  });
}
