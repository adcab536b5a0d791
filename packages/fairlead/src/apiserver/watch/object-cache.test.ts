import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Storage, StorageEntry, StorageEvent } from '../storage/storage.ts';
import { ObjectCache } from './object-cache.ts';

/** What the cache needs of a store: it starts empty at revision 10, and tells what it is told to. */
class FakeStorage {
  revision = 10;
  readonly compactedRevision = 0;
  readonly sharesRevisions: boolean;
  #listener: (events: readonly StorageEvent[]) => void = () => {};

  constructor(sharesRevisions: boolean) {
    this.sharesRevisions = sharesRevisions;
  }

  async range(): ReturnType<Storage['range']> {
    return { ok: true, entries: [], revision: this.revision, remaining: 0 };
  }

  async replay(): ReturnType<Storage['replay']> {
    return { ok: true, events: [put('/g/things/from-the-store', 9)], through: this.revision };
  }

  subscribe(listener: (events: readonly StorageEvent[]) => void): () => void {
    this.#listener = listener;
    return () => {};
  }

  tell(...events: readonly StorageEvent[]): void {
    this.revision = events.at(-1)!.entry.modRevision;
    this.#listener(events);
  }
}

function put(key: string, modRevision: number): StorageEvent {
  const value = '{"kind":"Thing","metadata":{"resourceVersion":""}}';
  const entry: StorageEntry = { key, value, createRevision: modRevision, modRevision };
  return { type: 'put', entry, previous: undefined, decoded: undefined };
}

const cases: readonly { readonly after: number; readonly shared: string[]; readonly single: string[] }[] = [
  { after: 11, shared: ['b', 'c', 'd'], single: ['b', 'c', 'd'] },
  { after: 12, shared: ['b', 'c', 'd'], single: ['d'] },
  { after: 13, shared: [], single: [] },
  { after: 9, shared: ['from-the-store'], single: ['from-the-store'] },
  // What was at 10 before the start only the store can say.
  { after: 10, shared: ['from-the-store'], single: ['a', 'b', 'c', 'd'] },
];

for (const sharesRevisions of [true, false]) {
  for (const { after, shared, single } of cases) {
    test(`events after ${after} where transactions ${sharesRevisions ? 'share' : 'do not share'} a revision`, async () => {
      const storage = new FakeStorage(sharesRevisions);
      const cache = await ObjectCache.load(storage as unknown as Storage);
      const things = cache.resource('/g/things/');
      storage.tell(put('/g/things/a', 11));
      storage.tell(put('/g/things/b', 12), put('/g/other/x', 12), put('/g/things/c', 12));
      storage.tell(put('/g/things/d', 13), put('/g/other/y', 13));
      const history = await cache.eventsAfter(things, after);
      assert.ok(history !== 'compacted');
      const names = history.events.map(({ current }) => current.key.slice('/g/things/'.length));
      assert.deepEqual(names, sharesRevisions ? shared : single);
    });
  }
}
