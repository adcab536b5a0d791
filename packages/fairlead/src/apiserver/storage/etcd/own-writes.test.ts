import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StorageEntry, StorageWrite } from '../storage.ts';
import { revisionOfOwnWrite } from './own-writes.ts';

const entry = (key: string, value: string, modRevision: number): StorageEntry => ({
  key,
  value,
  modRevision,
  createRevision: modRevision,
});
const create: StorageWrite = { key: '/a', expect: 0, value: 'uid-1' };
const update: StorageWrite = { key: '/a', expect: 5, value: 'uid-1' };
const claim: StorageWrite = { key: '/b', expect: 0, value: 'a' };
const remove: StorageWrite = { key: '/c', expect: 4, value: undefined };

const rows: readonly {
  readonly name: string;
  readonly writes: readonly StorageWrite[];
  readonly current: readonly (StorageEntry | undefined)[];
  readonly revision: number | undefined;
}[] = [
  { name: 'our create arrived', writes: [create], current: [entry('/a', 'uid-1', 9)], revision: 9 },
  { name: 'somebody else was first', writes: [create], current: [entry('/a', 'uid-2', 9)], revision: undefined },
  { name: 'our update arrived', writes: [update], current: [entry('/a', 'uid-1', 9)], revision: 9 },
  { name: 'nothing has changed since', writes: [update], current: [entry('/a', 'uid-1', 5)], revision: undefined },
  { name: 'it is gone', writes: [update], current: [undefined], revision: undefined },
  {
    name: 'all parts of our transaction',
    writes: [create, claim, remove],
    current: [entry('/a', 'uid-1', 9), entry('/b', 'a', 9), undefined],
    revision: 9,
  },
  {
    name: 'parts of two transactions',
    writes: [create, claim],
    current: [entry('/a', 'uid-1', 9), entry('/b', 'a', 8)],
    revision: undefined,
  },
  {
    name: 'what we wanted to delete is still there',
    writes: [create, remove],
    current: [entry('/a', 'uid-1', 9), entry('/c', 'x', 4)],
    revision: undefined,
  },
  { name: 'a deletion alone', writes: [remove], current: [undefined], revision: undefined },
];
for (const { name, writes, current, revision } of rows) {
  test(`a second attempt finds: ${name}`, () => assert.equal(revisionOfOwnWrite(writes, current), revision));
}
