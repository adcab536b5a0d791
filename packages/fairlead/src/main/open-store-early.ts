import { mkdirSync } from 'node:fs';
import type { Datastore } from '../apiserver/storage/open-storage.ts';
import { openLogEarly } from '../apiserver/storage/sqlite/log-worker.ts';

/**
 * Lets the thread of the store start and read its file while the API server's modules load. What goes wrong is
 * told by the role, which opens the store in earnest.
 */
export function openStoreEarly(dataDir: string, datastore: Datastore): void {
  if (datastore.kind !== 'sqlite') return;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch {
    return;
  }
  openLogEarly(datastore.file);
}
