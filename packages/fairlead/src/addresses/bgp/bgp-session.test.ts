import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import { afi, errorCode, messageType } from '../../wire/bgp/bgp-constants.ts';
import { type BgpOpen, writeKeepalive, writeNotification, writeOpen } from '../../wire/bgp/bgp-message.ts';
import type { BgpRoute } from '../program.ts';
import { BgpSession, type SessionConfig, type SessionState } from './bgp-session.ts';
import type { TransportEvents } from './bgp-transport.ts';

/** A connection whose other end the test is. */
class FakeConnection {
  readonly events: TransportEvents;
  readonly sent: Uint8Array[] = [];
  isClosed = false;

  constructor(events: TransportEvents) {
    this.events = events;
  }

  /** Types of the messages sent so far, and forgets them. */
  types(): number[] {
    return this.sent.splice(0).map((message) => message[18] ?? 0);
  }
}

const config: SessionConfig = {
  endpoint: { address: '192.0.2.1', port: 179 },
  localAsn: 64513,
  peerAsn: 64512,
  identifier: 0x0a000001,
  holdTimeMs: 9000,
  connectRetryMs: 10_000,
  nodeIps: ['192.0.2.10'],
};
const peerOpen: BgpOpen = {
  asn: 64512,
  holdTime: 9,
  identifier: 0x0a000002,
  families: [afi.ipv4],
  fourByteAs: true,
};
const { open, update, notification, keepalive } = messageType;

function route(prefix: string): [string, BgpRoute] {
  return [prefix, { prefix, services: [], communities: [], largeCommunities: [] }];
}

function world(more: Partial<SessionConfig> = {}) {
  const clock = new TestClock();
  const connections: FakeConnection[] = [];
  const states: [SessionState, string][] = [];
  const session = new BgpSession({
    config: { ...config, ...more },
    clock,
    open: (_, events) => {
      const connection = new FakeConnection(events);
      connections.push(connection);
      return {
        send: (bytes) => void connection.sent.push(bytes),
        close: () => {
          connection.isClosed = true;
        },
      };
    },
    onState: (state, message) => void states.push([state, message]),
  });
  const last = (): FakeConnection => connections.at(-1) ?? assert.fail('no connection');
  const establish = (): void => {
    last().events.onConnected('192.0.2.10');
    last().events.onBytes(writeOpen(peerOpen));
    last().events.onBytes(writeKeepalive());
  };
  return { clock, session, connections, states, last, establish };
}

describe('BGP session', () => {
  test('OPEN, KEEPALIVE, routes, end of RIB, in this order', () => {
    const { session, states, last, establish } = world();
    session.setRoutes(new Map([route('203.0.113.5/32'), route('2001:db8::5/128')]));
    session.start();
    establish();
    assert.deepEqual(last().types(), [open, keepalive, update, update]);
    assert.deepEqual(
      states.map(([state]) => state),
      ['Connect', 'OpenSent', 'OpenConfirm', 'Established'],
    );
    assert.equal(session.announced, 1, 'the peer does not speak IPv6');
  });

  test('only the difference is sent', () => {
    const { session, last, establish } = world();
    session.start();
    establish();
    last().types();
    session.setRoutes(new Map([route('203.0.113.5/32'), route('203.0.113.6/32')]));
    assert.deepEqual(last().types(), [update]);
    session.setRoutes(new Map([route('203.0.113.5/32'), route('203.0.113.6/32')]));
    assert.deepEqual(last().types(), []);
    session.setRoutes(new Map([route('203.0.113.6/32')]));
    assert.deepEqual(last().types(), [update]);
    assert.equal(session.announced, 1);
  });

  test('a refresh has everything sent again', () => {
    const { session, last, establish } = world();
    session.setRoutes(new Map([route('203.0.113.5/32')]));
    session.start();
    establish();
    last().types();
    const refresh = new Uint8Array(23).fill(0xff, 0, 16);
    refresh.set([0, 23, messageType.routeRefresh, 0, afi.ipv4, 0, 1], 16);
    last().events.onBytes(refresh);
    assert.deepEqual(last().types(), [update]);
  });

  test('messages that come byte by byte, and before the connection is known to be there', () => {
    const { session, last } = world();
    session.start();
    for (const byte of [...writeOpen(peerOpen), ...writeKeepalive()]) last().events.onBytes(Uint8Array.of(byte));
    assert.equal(session.state, 'Established');
  });

  test('keepalives every third of the hold time; a silent peer is given up, and tried again', async () => {
    const { clock, session, connections, last, establish } = world();
    session.start();
    establish();
    last().types();
    await clock.advance(6500);
    assert.deepEqual(last().types(), [keepalive, keepalive]);
    last().events.onBytes(writeKeepalive());
    await clock.advance(8000);
    assert.equal(session.state, 'Established', 'the peer was heard in time');
    await clock.advance(1500);
    assert.equal(session.state, 'Idle');
    assert.match(session.message, /hold timer expired/);
    const sent = last().sent.at(-1);
    assert.deepEqual([sent?.[18], sent?.[19]], [notification, errorCode.holdTimer]);
    assert.equal(last().isClosed, true);
    assert.equal(connections.length, 1);
    await clock.advance(config.connectRetryMs);
    assert.equal(connections.length, 2);
    establish();
    assert.equal(session.state, 'Established');
  });

  const refusals: readonly [name: string, bytes: () => Uint8Array, code: number, says: RegExp][] = [
    ['another AS', () => writeOpen({ ...peerOpen, asn: 64999 }), errorCode.open, /AS 64999.*64512/],
    ['a KEEPALIVE first', () => writeKeepalive(), errorCode.stateMachine, /keepalive before its OPEN/],
    ['no BGP at all', () => new Uint8Array(19), errorCode.header, /the peer sent/],
  ];
  for (const [name, bytes, code, says] of refusals) {
    test(`refused: ${name}`, async () => {
      const { clock, session, connections, last } = world();
      session.start();
      last().events.onConnected('192.0.2.10');
      last().types();
      last().events.onBytes(bytes());
      const [told] = last().sent;
      assert.deepEqual([told?.[18], told?.[19]], [notification, code]);
      assert.equal(session.state, 'Idle');
      assert.match(session.message, says);
      await clock.advance(config.connectRetryMs);
      assert.equal(connections.length, 2);
    });
  }

  test('what the peer refuses is told in words', () => {
    const { session, last } = world();
    session.start();
    last().events.onConnected('192.0.2.10');
    last().events.onBytes(writeNotification(errorCode.cease, 5));
    assert.match(session.message, /the peer says: .*connection rejected/);
  });

  test('nobody answers, and a connection that cannot be opened', async () => {
    const { clock, session, connections } = world();
    session.start();
    await clock.advance(10_000);
    assert.match(session.message, /no answer/);
    assert.equal(connections[0]?.isClosed, true);
    await clock.advance(config.connectRetryMs);
    connections[1]?.events.onClosed('ECONNREFUSED');
    assert.equal(session.message, 'cannot connect: ECONNREFUSED');
  });

  test('a stop says so to the peer and is the end', async () => {
    const { clock, session, connections, last, establish } = world();
    session.start();
    establish();
    session.stop('the agent ends');
    const told = last().sent.at(-1);
    assert.deepEqual([told?.[18], told?.[19]], [notification, errorCode.cease]);
    assert.equal(last().isClosed, true);
    await clock.advance(60_000);
    assert.equal(connections.length, 1);
  });

  test('a peer that wants no keepalives gets none, and is never given up', async () => {
    const { clock, session, last } = world({ holdTimeMs: 0 });
    session.start();
    last().events.onConnected('192.0.2.10');
    last().events.onBytes(writeOpen({ ...peerOpen, holdTime: 0 }));
    last().events.onBytes(writeKeepalive());
    last().types();
    await clock.advance(600_000);
    assert.deepEqual(last().types(), []);
    assert.equal(session.state, 'Established');
  });
});
