import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PoolSpec, pool } from './address-fixtures.ts';
import { compilePool, poolSize } from './compiled-pool.ts';
import { poolStatus } from './pool-status.ts';

describe('pools', () => {
  test('sizes', () => {
    const size = (spec: PoolSpec): number => poolSize(compilePool(pool('p', spec)));
    assert.equal(size({ addresses: ['192.0.2.0/24'] }), 256);
    assert.equal(size({ addresses: ['192.0.2.0/24'], avoidBuggyAddresses: true }), 254);
    assert.equal(size({ addresses: ['10.0.0.0/16', '10.0.3.7'], avoidBuggyAddresses: true }), 254 * 256);
    assert.equal(size({ addresses: ['192.0.2.1-192.0.2.254'], avoidBuggyAddresses: true }), 254);
    assert.equal(size({ addresses: ['2001:db8::/64'] }), Number.MAX_SAFE_INTEGER);
  });

  test('status: counts, what is retained, what overlaps, what is wrong', () => {
    const one = pool(
      'one',
      { addresses: ['192.0.2.0/30', '192.0.2.9-192.0.2.8', 'x'] },
      { addresses: ['192.0.2.0/24'] },
    );
    const two = pool('two', { addresses: ['192.0.2.3-192.0.2.4'] });
    const pools = [one, two].map(compilePool);
    const status = poolStatus(one, pools[0]!, {
      pools,
      inUse: ['192.0.2.1', '192.0.2.77', '203.0.113.1'],
      isAnnounced: false,
      now: 'now',
    });
    assert.deepEqual([status.total, status.assigned, status.available, status.retained], [4, 2, 3, ['192.0.2.77']]);
    const said = Object.fromEntries(
      (status.conditions ?? []).map(({ type, status: holds, message }) => [type, `${holds} ${message}`]),
    );
    assert.match(
      said.Ready!,
      /^False spec\.addresses\[1\]: .* ends before it begins; spec\.addresses\[2\]: 'x' is not/,
    );
    assert.match(said.Overlapping!, /^True 192\.0\.2\.3 is in pool two too/);
    assert.match(said.Announced!, /^False no L2Announcement/);
  });
});
