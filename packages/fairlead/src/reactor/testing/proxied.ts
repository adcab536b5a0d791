import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { EncodedAddress } from '../../sys/socket-address.ts';
import { writeProxyV1, writeProxyV2 } from '../../wire/proxy-protocol/proxy-header.ts';
import type { ProxiedConnection } from '../reactor.ts';
import { Notes, play, type ReactorMaker, type Scene } from './scene.ts';

interface Arrived {
  readonly peers: string[];
  readonly proxied: (ProxiedConnection | undefined)[];
  readonly failures: string[];
  data: string;
}

/** A listener that believes loopback, or nobody; notes who arrives and what they say. */
function listenProxied(scene: Scene, trusts: boolean, whenData: () => void, headerMs = 5000): [Arrived, SocketAddress] {
  const bound = scene.bindTcp();
  scene.startListening(bound);
  const arrived: Arrived = { peers: [], proxied: [], failures: [], data: '' };
  scene.reactor.listen(
    bound.socket,
    (connection, peer, proxied) => {
      arrived.peers.push(`${peer.address} ${peer.port}`);
      arrived.proxied.push(proxied);
      const notes = new Notes();
      notes.data = (start, end) => {
        arrived.data += scene.reactor.input.bytes.toString('latin1', start, end);
        whenData();
      };
      notes.ended = () => connection.close();
      return notes;
    },
    { proxied: { trusts: () => trusts, headerMs, onFailed: (reason) => arrived.failures.push(reason) } },
  );
  return [arrived, bound.at];
}

/** What every implementation of the reactor must do with PROXY protocol headers. */
export function testProxied(name: string, make: ReactorMaker): void {
  const v1 = writeProxyV1({ address: '192.0.2.7', port: 4711 }, { address: '192.0.2.80', port: 80 });
  const v2 = writeProxyV2(
    { raw: Uint8Array.of(192, 0, 2, 7), port: 4711 },
    { raw: Uint8Array.of(192, 0, 2, 80), port: 80 },
    [{ type: 5, value: Buffer.from('id') }],
  );
  for (const [what, header] of [
    ['version 1', v1],
    ['version 2', v2],
  ] as const) {
    for (const pieces of ['whole', 'in pieces'] as const) {
      test(`${name}: a header of ${what}, ${pieces}, tells who the client is, and is not data`, async () => {
        let arrived: Arrived | undefined;
        await play(make, (scene) => {
          const { reactor, client } = scene;
          const [noted, at] = listenProxied(scene, true, () => {
            if (noted.data === 'hello') reactor.stop();
          });
          arrived = noted;
          const all = Buffer.concat([header, Buffer.from('hello')]);
          client.connection = reactor.connect(new EncodedAddress(at), client);
          if (pieces === 'whole') client.connection.writeBytes(all);
          else {
            let sent = 0;
            const sendNext = (): void => {
              client.connection!.writeBytes(all.subarray(sent, sent + 7));
              sent += 7;
              if (sent < all.length) reactor.after(1, sendNext);
            };
            client.connected = sendNext;
          }
        });
        assert.deepEqual(arrived!.peers, ['192.0.2.7 4711']);
        assert.equal(arrived!.data, 'hello');
        assert.equal(arrived!.proxied[0]?.destination?.address, '192.0.2.80');
        assert.equal(arrived!.proxied[0]?.proxy.address, '127.0.0.1');
        assert.equal(arrived!.proxied[0]?.fields.length, what === 'version 2' ? 1 : 0);
      });
    }
  }

  test(`${name}: the header of a peer that is not trusted is data`, async () => {
    let arrived: Arrived | undefined;
    await play(make, (scene) => {
      const { reactor, client } = scene;
      const [noted, at] = listenProxied(scene, false, () => {
        if (noted.data.length === v1.length) reactor.stop();
      });
      arrived = noted;
      client.connection = reactor.connect(new EncodedAddress(at), client, undefined, v1);
    });
    assert.match(arrived!.peers[0]!, /^127\.0\.0\.1 /);
    assert.equal(arrived!.data, String(v1));
  });

  for (const [what, send, wanted] of [
    ['without a header', 'GET / HTTP/1.1\r\n\r\n', /no PROXY protocol header/],
    ['that stops within the header', 'PROXY TCP4 192.', /timeout/],
    ['that says nothing', '', /timeout/],
  ] as const) {
    test(`${name}: a trusted peer ${what} is closed`, async () => {
      let arrived: Arrived | undefined;
      await play(make, (scene) => {
        const { reactor, client } = scene;
        const [noted, at] = listenProxied(scene, true, () => {}, 50);
        arrived = noted;
        client.connection = reactor.connect(new EncodedAddress(at), client);
        client.connection.writeBytes(Buffer.from(send));
        client.ended = () => reactor.stop();
        client.failed = () => reactor.stop();
      });
      assert.deepEqual(arrived!.peers, []);
      assert.match(arrived!.failures.join(), wanted);
    });
  }
}
