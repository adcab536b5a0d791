import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readBackup, type StoreSnapshot } from '../../apiserver/storage/backup/backup-format.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Writes a backup under another name, reads it back and checks it, and renames it only then. The file holds all
 * Secrets: nobody else may read it.
 */
export async function writeBackupFile(
  file: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StoreSnapshot> {
  const draft = `${file}.new-${process.pid}`;
  try {
    const descriptor = openSync(draft, 'w', 0o600);
    try {
      for await (const chunk of chunks) {
        let written = 0;
        while (written < chunk.length) written += writeSync(descriptor, chunk, written);
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    const snapshot = readBackup(readFileSync(draft));
    renameSync(draft, file);
    return snapshot;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Reads and checks a backup. */
export function readBackupFile(file: string): StoreSnapshot {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  return readBackup(bytes);
}
