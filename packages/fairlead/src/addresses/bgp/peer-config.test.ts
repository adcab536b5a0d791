import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@fairlead/api';
import type { BgpPeer } from '@fairlead/api/fairlead-dev/types';
import { sessionConfig } from './peer-config.ts';

function problemOf(spec: Partial<BgpPeer['spec']>): string {
  const peer: Stored<BgpPeer> = {
    metadata: { name: 'tor', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { address: '192.0.2.1', peerASN: 65_000, localASN: 65_001, ...spec },
  };
  const config = sessionConfig(peer, 'n1', ['192.0.2.10'], undefined);
  return 'problem' in config ? config.problem : '';
}

const rows: readonly [name: string, spec: Partial<BgpPeer['spec']>, problem: RegExp][] = [
  ['nothing special', {}, /^$/],
  ['no address', { address: 'tor.example' }, /^spec\.address: 'tor\.example' is not an IP address$/],
  ['a short hold time', { holdTime: '2s' }, /^spec\.holdTime: 2s/],
  ['no keepalives', { holdTime: '0s' }, /^$/],
  ['hops in two ways', { multihop: 3, ttlSecurity: 2 }, /exclude each other/],
  ['BFD', { bfd: {} }, /^$/],
  ['BFD, the bounds', { bfd: { transmitInterval: '10ms', receiveInterval: '60s', detectMultiplier: 255 } }, /^$/],
  [
    'BFD, beyond the bounds, both told of',
    { bfd: { transmitInterval: '9ms', receiveInterval: '61s' } },
    /^spec\.bfd\.transmitInterval: 9ms is not within 10ms and 60s; spec\.bfd\.receiveInterval: 61s/,
  ],
  ['BFD behind a router', { bfd: {}, multihop: 3 }, /^spec\.bfd watches a peer on the link/],
  ['BFD with TTL security', { bfd: {}, ttlSecurity: 1 }, /^$/],
];
for (const [name, spec, problem] of rows) {
  test(`BGP peer: ${name}`, () => assert.match(problemOf(spec), problem));
}
