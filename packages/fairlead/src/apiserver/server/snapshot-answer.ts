import type { Storage } from '../storage/storage.ts';
import type { ApiAnswer, ApiRequest } from './api-request.ts';
import { methodNotAllowed } from './status-error.ts';

/** Where administrators get a backup of the store of a running server. */
export const snapshotPath = '/datastore/snapshot';
/** Bytes that may wait for a slow client. */
const queueMost = 1024 * 1024;

/** All objects at one revision, as a backup; `undefined` for any other path. Needs `get` on the path. */
export async function snapshotAnswer(storage: Storage, request: ApiRequest): Promise<ApiAnswer | undefined> {
  if (request.path !== snapshotPath) return undefined;
  if (request.method !== 'GET') throw methodNotAllowed();
  // Loaded when asked for: few ever do.
  const { writeBackup } = await import('../storage/backup/backup-format.ts');
  const { snapshotOf } = await import('../storage/backup/read-store.ts');
  const snapshot = await snapshotOf(storage);
  return {
    status: 200,
    headers: { 'content-type': 'application/jsonl' },
    stream: async (sink) => {
      for (const chunk of writeBackup(snapshot)) {
        if (request.signal.aborted) return;
        sink.write(chunk);
        if (sink.queuedBytes > queueMost) await sink.drained();
      }
      sink.end();
    },
  };
}
