import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimSystem } from './one-system.ts';

const skip = process.platform === 'linux' ? false : 'needs Linux: abstract sockets';
const name = `test-${process.pid}`;

test('a name is claimed once, until it is released', { skip }, async () => {
  const first = await claimSystem(name);
  assert.ok(first !== undefined);
  assert.equal(await claimSystem(name), undefined);
  const other = await claimSystem(`${name}-other`);
  assert.ok(other !== undefined);
  other.release();
  first.release();
  const second = await claimSystem(name);
  assert.ok(second !== undefined);
  second.release();
});
