import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { EncodedAddress } from '../../sys/socket-address.ts';
import type { DatagramLimits, DatagramRelay } from '../reactor.ts';
import { type DatagramPeers, startDatagramPeers } from './datagram-peers.ts';
import type { ReactorMaker, ReactorUnderTest } from './scene.ts';

const PATIENT: DatagramLimits = { idleMs: 60_000, flowsMax: 1000 };

interface DatagramScene extends ReactorUnderTest {
  readonly relay: DatagramRelay;
  /** Where clients send to. */
  readonly at: SocketAddress;
  readonly peers: DatagramPeers;
  /** Endpoints by turn for new flows; changed by tests. */
  endpoints: SocketAddress[];
  readonly routed: string[];
  readonly ended: string[];
}

/** Runs a reactor with a datagram relay, while `act` plays clients and servers from another thread. */
async function playDatagrams(
  make: ReactorMaker,
  limits: DatagramLimits,
  script: string,
  react: (scene: DatagramScene, message: string) => void,
): Promise<DatagramScene> {
  const made = await make();
  const { reactor } = made;
  const { socket, at } = made.bindUdp();
  const peers = await startDatagramPeers(script, at);
  let turn = 0;
  const relay = reactor.relayDatagrams(
    socket,
    {
      route(client) {
        const endpoint = scene.endpoints[turn++ % scene.endpoints.length];
        scene.routed.push(`${client.port}`);
        return endpoint === undefined ? undefined : new EncodedAddress(endpoint);
      },
      ended: (client, _, isRefused) => scene.ended.push(`${client.port}${isRefused ? ' refused' : ''}`),
    },
    limits,
  );
  const scene: DatagramScene = { ...made, relay, at, peers, endpoints: [...peers.servers], routed: [], ended: [] };
  let late = false;
  reactor.after(20_000, () => {
    late = true;
    reactor.stop();
  });
  const poll = (): void => {
    for (const message of peers.take()) {
      if (message === 'done') {
        relay.stop();
        reactor.stop();
        return;
      }
      react(scene, message);
      peers.reply();
    }
    reactor.after(5, poll);
  };
  poll();
  await reactor.run();
  await peers.stop();
  assert.equal(late, false, `stuck; routed ${scene.routed}, ended ${scene.ended}`);
  assert.deepEqual(made.finish(), [], 'every descriptor is closed');
  return scene;
}

/** What every implementation of the reactor must do with datagrams. */
export function testDatagrams(name: string, make: ReactorMaker): void {
  test(`${name}: datagrams of many clients go to their endpoints and back, whole and to the right client`, async () => {
    const scene = await playDatagrams(make, PATIENT, 'many', () => {});
    assert.equal(new Set(scene.routed).size, scene.routed.length, 'one route per client');
    assert.equal(scene.routed.length, 20);
  });

  test(`${name}: datagrams of every length up to the longest pass`, async () => {
    await playDatagrams(make, PATIENT, 'lengths', () => {});
  });

  test(`${name}: a flow stays with its endpoint until that is gone`, async () => {
    const scene = await playDatagrams(make, PATIENT, 'moves', (scene) => {
      const gone = new EncodedAddress(scene.peers.servers[0]!);
      scene.endpoints = [scene.peers.servers[1]!];
      scene.relay.review((endpoint) => Buffer.compare(endpoint.buffer, gone.buffer) !== 0);
    });
    assert.equal(scene.routed.length, 2);
  });

  test(`${name}: a flow whose endpoint refuses is routed again`, async () => {
    const scene = await playDatagrams(make, PATIENT, 'refused', (scene) => {
      scene.endpoints = [unused(scene), scene.peers.servers[0]!];
    });
    assert.match(scene.ended[0] ?? '', / refused$/);
  });

  test(`${name}: idle flows end`, async () => {
    const scene = await playDatagrams(make, { idleMs: 100, flowsMax: 1000 }, 'idle', () => {});
    assert.equal(scene.ended.length >= 1, true);
  });

  test(`${name}: flows are bounded, and the newest is always served`, async () => {
    const scene = await playDatagrams(make, { idleMs: 60_000, flowsMax: 4 }, 'many', () => {});
    assert.ok(scene.ended.length >= 16, `${scene.ended.length} ended`);
  });
}

/** A port of which only ICMP answers: bound by nobody. */
function unused(scene: DatagramScene): SocketAddress {
  return scene.peers.closed;
}
