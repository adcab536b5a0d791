import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import type { BfdPacket } from '../../wire/bfd/bfd-packet.ts';
import type { BfdTimes } from './bfd-machine.ts';
import { BfdSession } from './bfd-session.ts';

const times: BfdTimes = { transmitMs: 100, receiveMs: 100, detectMultiplier: 3 };

/** Two sessions and a link between them, which may be cut. */
class Pair {
  readonly clock = new TestClock();
  readonly told: string[] = [];
  readonly sent: BfdPacket[] = [];
  isCut = false;
  readonly a: BfdSession;
  readonly b: BfdSession;

  constructor(other: BfdTimes = times) {
    this.a = this.#end('a', times, () => this.b);
    this.b = this.#end('b', other, () => this.a);
  }

  #end(name: string, own: BfdTimes, peer: () => BfdSession): BfdSession {
    const { clock } = this;
    return new BfdSession({
      times: own,
      discriminator: name === 'a' ? 1 : 2,
      clock,
      random: () => 0.5,
      send: (packet) => {
        if (name === 'a') this.sent.push(packet);
        if (!this.isCut) clock.after(1, () => peer().receive(packet));
      },
      onState: (state, cause) => this.told.push(`${name} ${state}: ${cause}`),
    });
  }
}

test('both come up, agree on the intervals, and stay up', async () => {
  const pair = new Pair({ transmitMs: 50, receiveMs: 200, detectMultiplier: 5 });
  await pair.clock.advance(3000);
  assert.deepEqual([pair.a.state, pair.b.state], ['Up', 'Up']);
  pair.sent.splice(0);
  await pair.clock.advance(2000);
  // The peer takes one packet in 200 ms; chance makes that 175.
  assert.ok(pair.sent.length >= 10 && pair.sent.length <= 13, `${pair.sent.length} packets`);
  assert.ok(pair.sent.every(({ poll }) => !poll));
  assert.deepEqual([pair.a.state, pair.b.state], ['Up', 'Up']);
});

test('a cut link is noticed within the detection time, and the session comes back with it', async () => {
  const pair = new Pair();
  await pair.clock.advance(3000);
  pair.told.splice(0);
  pair.isCut = true;
  await pair.clock.advance(305);
  assert.deepEqual(pair.told.sort(), ['a Down: detection time expired', 'b Down: detection time expired']);
  await pair.clock.advance(10_000);
  pair.isCut = false;
  await pair.clock.advance(3000);
  assert.deepEqual([pair.a.state, pair.b.state], ['Up', 'Up']);
});

test('one that ends says so, and that is no failure', async () => {
  const pair = new Pair();
  await pair.clock.advance(3000);
  pair.told.splice(0);
  pair.b.stop();
  await pair.clock.advance(5);
  assert.deepEqual(pair.told, ['a Down: peer is administratively down']);
  await pair.clock.advance(5000);
  assert.equal(pair.told.length, 1);
});

test('packets that waited while the process was held up are read before silence is believed', async () => {
  const clock = new TestClock();
  const told: string[] = [];
  const session = new BfdSession({
    times,
    discriminator: 1,
    clock,
    random: () => 0.5,
    send: () => {},
    onState: (state) => told.push(state),
  });
  const packet: BfdPacket = {
    diagnostic: 0,
    state: 'Init',
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: 3,
    myDiscriminator: 2,
    yourDiscriminator: 1,
    desiredMinTxUs: 100_000,
    requiredMinRxUs: 100_000,
    requiredMinEchoRxUs: 0,
  };
  session.receive(packet);
  await clock.advance(300);
  // The detection time is over; the timer has run, and the socket is read next.
  session.receive({ ...packet, state: 'Up' });
  await clock.advance(250);
  assert.deepEqual(told, ['Up']);
  await clock.advance(60);
  assert.deepEqual(told, ['Up', 'Down']);
});
