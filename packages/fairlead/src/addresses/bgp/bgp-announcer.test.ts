import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@fairlead/api';
import { type BgpPeer, bgpPeers } from '@fairlead/api/fairlead-dev/types';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import { afi } from '../../wire/bgp/bgp-constants.ts';
import { writeKeepalive, writeOpen } from '../../wire/bgp/bgp-message.ts';
import type { AddressMetrics } from '../address-metrics.ts';
import type { BfdEvent, BfdPeer } from '../bfd/bfd-messages.ts';
import { BgpAnnouncer } from './bgp-announcer.ts';
import type { TransportEvents } from './bgp-transport.ts';

/** What {@link BgpAnnouncer.observe} last said of BFD. */
const alive = new Map<string, boolean>();
const metrics: AddressMetrics = {
  layer2: () => {},
  frames: () => {},
  tookOver: () => {},
  conflict: () => {},
  refused: () => {},
  session: () => {},
  bfd: (name, up) => void alive.set(name, up),
  forgetSession: (name) => void alive.delete(name),
  sessionFailed: () => {},
};

function peer(bfd: NonNullable<BgpPeer['spec']['bfd']>): Stored<BgpPeer> {
  return {
    metadata: { name: 'tor', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { address: '192.0.2.1', peerASN: 65_000, localASN: 65_001, bfd },
  };
}

/** An announcer with one peer, whose connection and BFD session are the test's. */
async function established(bfd: NonNullable<BgpPeer['spec']['bfd']> = {}) {
  const clock = new TestClock();
  const api = new FakeApi();
  api.seed(bgpPeers, peer(bfd));
  const connections: { readonly events: TransportEvents; readonly sent: Uint8Array[] }[] = [];
  const watched = new Map<string, BfdPeer>();
  let tell: (event: BfdEvent) => void = () => {};
  const announcer = new BgpAnnouncer({
    client: api,
    nodeName: 'n1',
    clock,
    log: () => {},
    metrics,
    onNotice: () => {},
    open: (_, events) => {
      const sent: Uint8Array[] = [];
      connections.push({ events, sent });
      return { send: (bytes) => void sent.push(bytes), close: () => {} };
    },
    createBfd: (_, onEvent) => {
      tell = onEvent;
      return {
        watch: (name, one) => void watched.set(name, one),
        unwatch: (name) => void watched.delete(name),
        stop: async () => {},
      };
    },
  });
  const apply = (now: Stored<BgpPeer>): Promise<void> =>
    announcer.apply(new Map([['tor', new Map()]]), new Map([['tor', now]]), ['192.0.2.10']);
  await apply(peer(bfd));
  const open = { asn: 65_000, holdTime: 90, identifier: 1, families: [afi.ipv4], fourByteAs: true };
  connections[0]?.events.onConnected('192.0.2.10');
  connections[0]?.events.onBytes(writeOpen(open));
  connections[0]?.events.onBytes(writeKeepalive());
  await clock.advance(500);
  const status = async () => (await api.get(bgpPeers, { name: 'tor' })).status?.sessions?.[0];
  return { clock, connections, watched, announcer, apply, status, tell: (event: BfdEvent) => tell(event) };
}

test('BFD is told what the peer says, and its state is in the status', async () => {
  const { watched, status, tell, clock, announcer, apply } = await established({ transmitInterval: '50ms' });
  assert.deepEqual(
    [...watched],
    [['tor', { address: '192.0.2.1', times: { transmitMs: 50, receiveMs: 300, detectMultiplier: 3 } }]],
  );
  assert.equal((await status())?.state, 'Established');
  assert.equal((await status())?.bfd, 'Down');
  tell({ kind: 'state', name: 'tor', state: 'Up', cause: 'packet' });
  await clock.advance(500);
  assert.equal((await status())?.bfd, 'Up');
  announcer.observe();
  assert.deepEqual([...alive], [['tor', true]]);
  tell({ kind: 'failed', name: 'tor', message: 'UDP port 3784: EADDRINUSE' });
  await clock.advance(500);
  assert.equal((await status())?.bfd, 'UDP port 3784: EADDRINUSE');
  const { bfd: _, ...spec } = peer({}).spec;
  await apply({ ...peer({}), spec });
  assert.equal(watched.size, 0);
  assert.equal(alive.size, 0);
  await announcer.stop();
});

const rows: readonly [name: string, before: 'Up' | 'Init', event: BfdEvent, ends: boolean][] = [
  ['a dead link', 'Up', { kind: 'state', name: 'tor', state: 'Down', cause: 'detection time expired' }, true],
  ['the peer notices', 'Up', { kind: 'state', name: 'tor', state: 'Down', cause: 'peer signaled down' }, true],
  [
    'out of service',
    'Up',
    { kind: 'state', name: 'tor', state: 'Down', cause: 'peer is administratively down' },
    false,
  ],
  ['it never was up', 'Init', { kind: 'state', name: 'tor', state: 'Down', cause: 'detection time expired' }, false],
  ['it cannot be watched any more', 'Up', { kind: 'failed', name: 'tor', message: 'no socket' }, false],
];
for (const [name, before, event, ends] of rows) {
  test(`BFD, ${name}: the session ${ends ? 'ends' : 'stays'}`, async () => {
    const { connections, status, tell, clock, announcer } = await established();
    tell({ kind: 'state', name: 'tor', state: before, cause: 'packet' });
    connections[0]?.sent.splice(0);
    tell(event);
    await clock.advance(500);
    const last = connections[0]?.sent.at(-1);
    assert.equal((await status())?.state, ends ? 'Idle' : 'Established');
    // NOTIFICATION, Cease, BFD Down (RFC 9384).
    if (ends) assert.deepEqual([...(last?.subarray(18, 21) ?? [])], [3, 6, 10]);
    else assert.equal(last, undefined);
    await announcer.stop();
  });
}
