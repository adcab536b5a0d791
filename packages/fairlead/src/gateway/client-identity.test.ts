import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { clientIdentity } from './client-identity.ts';
import { NO_TRUST, Trust } from './trust.ts';

test('identities of connections that are over are garbage of the young generation', () => {
  const oldBytes = (): number =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;
  const trust = new Trust(NO_TRUST);
  const recent: unknown[] = [];
  const before = oldBytes();
  let most = 0;
  for (let n = 0; n < 100_000; n++) {
    // What the connection of an identity would be.
    const held = new Array<number>(20).fill(n);
    const peer = { family: 'ipv4', address: '192.0.2.1', port: n & 0xffff } as const;
    recent[n & 63] = clientIdentity(peer, trust, { scheme: 'https', port: 443 }, undefined, () => void held.length);
    if (n % 1000 === 0) most = Math.max(most, oldBytes() - before);
  }
  assert.ok(most < 3e6, `the old generation grew by ${most} bytes for ${recent.length} that are in use`);
});
