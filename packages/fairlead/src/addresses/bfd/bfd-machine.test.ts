import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BfdPacket, bfdStates } from '../../wire/bfd/bfd-packet.ts';
import {
  type BfdVariables,
  closeBfd,
  detectionTimeMs,
  expireBfd,
  jittered,
  newBfdSession,
  packetOf,
  receiveBfd,
  transmitIntervalMs,
} from './bfd-machine.ts';

const times = { transmitMs: 300, receiveMs: 200, detectMultiplier: 3 };
const fresh = newBfdSession(times, 7);

function heard(state: BfdPacket['state'], more: Partial<BfdPacket> = {}): BfdPacket {
  return { ...packetOf(newBfdSession(times, 9), false), state, yourDiscriminator: 7, ...more };
}

/** A session that has become what it is by packets. */
function inState(state: BfdVariables['state']): BfdVariables {
  switch (state) {
    case 'Down':
      return fresh;
    case 'Init':
      return receiveBfd(fresh, heard('Down')).session;
    case 'Up':
      return receiveBfd(fresh, heard('Init')).session;
    case 'AdminDown':
      return closeBfd(fresh);
  }
}

/** RFC 5880 6.8.6: own state, the peer's, what follows. */
const table: readonly [own: BfdVariables['state'], remote: BfdVariables['state'], next: BfdVariables['state']][] = [
  ['Down', 'AdminDown', 'Down'],
  ['Down', 'Down', 'Init'],
  ['Down', 'Init', 'Up'],
  ['Down', 'Up', 'Down'],
  ['Init', 'AdminDown', 'Down'],
  ['Init', 'Down', 'Init'],
  ['Init', 'Init', 'Up'],
  ['Init', 'Up', 'Up'],
  ['Up', 'AdminDown', 'Down'],
  ['Up', 'Down', 'Down'],
  ['Up', 'Init', 'Up'],
  ['Up', 'Up', 'Up'],
  ['AdminDown', 'AdminDown', 'AdminDown'],
  ['AdminDown', 'Down', 'AdminDown'],
  ['AdminDown', 'Init', 'AdminDown'],
  ['AdminDown', 'Up', 'AdminDown'],
];
test('the table has every pair of states once', () => {
  assert.equal(new Set(table.map(([own, remote]) => `${own} ${remote}`)).size, bfdStates.length ** 2);
});
for (const [own, remote, next] of table) {
  test(`${own}, the peer is ${remote}: ${next}`, () => {
    assert.equal(inState(own).state, own);
    assert.equal(receiveBfd(inState(own), heard(remote)).session.state, next);
  });
}

test('a failure is told from a peer that is taken out of service', () => {
  assert.equal(receiveBfd(inState('Up'), heard('Down')).cause, 'peer signaled down');
  assert.equal(receiveBfd(inState('Up'), heard('AdminDown')).cause, 'peer is administratively down');
});

test('intervals: slow until it is up, then as both want it', () => {
  const peer = { desiredMinTxUs: 400_000, requiredMinRxUs: 500_000, detectMultiplier: 5 };
  assert.equal(transmitIntervalMs(inState('Init')), 1000);
  const up = receiveBfd(fresh, heard('Init', peer)).session;
  assert.equal(transmitIntervalMs(up), 500);
  assert.equal(detectionTimeMs(up), 5 * 400);
  assert.equal(detectionTimeMs(receiveBfd(up, heard('Up', { ...peer, desiredMinTxUs: 10_000 })).session), 5 * 200);
  assert.equal(transmitIntervalMs(receiveBfd(up, heard('Up', { requiredMinRxUs: 0 })).session), undefined);
  assert.equal(transmitIntervalMs(receiveBfd(up, heard('Up', { demand: true })).session), undefined);
  assert.equal(detectionTimeMs(fresh), undefined);
});

test('a new interval is asked about until the peer answers', () => {
  const up = inState('Up');
  assert.equal(packetOf(up, false).poll, true);
  assert.equal(packetOf(up, true).poll, false);
  const still = receiveBfd(up, heard('Up')).session;
  assert.equal(packetOf(still, false).poll, true);
  assert.equal(packetOf(receiveBfd(still, heard('Up', { final: true })).session, false).poll, false);
});

test('silence: down, and the peer’s number is forgotten', () => {
  for (const state of ['Init', 'Up'] as const) {
    const silent = expireBfd(inState(state));
    assert.equal(silent.state, 'Down');
    assert.equal(packetOf(silent, false).diagnostic, 1);
    assert.equal(packetOf(silent, false).yourDiscriminator, 0);
  }
  assert.equal(expireBfd(fresh).diagnostic, 0);
});

test('chance shortens an interval by a quarter at most, and by a tenth at least with multiplier 1', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(chance, fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 60_000 }), (one, detect, ms) => {
      const session = newBfdSession({ ...times, detectMultiplier: detect }, 1);
      const wait = jittered(ms, session, one);
      assert.ok(wait >= ms * 0.75 - 1e-6 && wait <= ms * (detect === 1 ? 0.9 : 1) + 1e-6);
    }),
  );
});

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyPacket = fc.record({
  diagnostic: fc.nat(31),
  state: fc.constantFrom(...bfdStates),
  poll: fc.boolean(),
  final: fc.boolean(),
  controlPlaneIndependent: fc.boolean(),
  demand: fc.boolean(),
  detectMultiplier: fc.integer({ min: 1, max: 255 }),
  myDiscriminator: fc.integer({ min: 1, max: 0xffff_ffff }),
  yourDiscriminator: u32,
  desiredMinTxUs: u32,
  requiredMinRxUs: u32,
  requiredMinEchoRxUs: u32,
});

test('whatever a peer sends: up only if the peer has said that it hears us, and always able to come up again', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyPacket, fc.constant('silence' as const)), { maxLength: 30 }), (events) => {
      let session = fresh;
      let heardUs = false;
      for (const event of events) {
        const before = session;
        session = event === 'silence' ? expireBfd(session) : receiveBfd(session, event).session;
        if (event !== 'silence') heardUs = event.state === 'Init' || event.state === 'Up';
        if (session.state === 'Up' && before.state !== 'Up') assert.ok(heardUs);
        if (session.state === 'Up') assert.notEqual(session.remoteDiscriminator, 0);
        const interval = transmitIntervalMs(session);
        assert.ok(interval === undefined || interval >= (session.state === 'Up' ? times.transmitMs : 1000));
      }
      // The two of them alone, without loss: up after at most four packets each way.
      let peer = newBfdSession(times, 9);
      for (let turn = 0; turn < 4; turn++) {
        peer = receiveBfd(peer, packetOf(session, false)).session;
        session = receiveBfd(session, packetOf(peer, false)).session;
      }
      assert.deepEqual([session.state, peer.state], ['Up', 'Up']);
    }),
  );
});
