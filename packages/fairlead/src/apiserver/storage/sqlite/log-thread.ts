/**
 * Entry of the log's thread: whatever waits for the disk waits here, and the thread that answers requests never does.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { collectHeap } from '../../../sys/heap.ts';
import { ApiServerError } from '../../api-server-error.ts';
import { LogFile, unreadable } from './log-file.ts';
import type { LogAnswer, LogRequest, LogResults, SentError } from './log-messages.ts';

/** Rows per message while the log is read: some hundred kilobytes. */
const rowsPerPiece = 256;
/** From so many rows on it pays to collect what reading them has left: below, it would cost the start more than it frees. */
const collectFromRows = 2000;

const port = parentPort!;
const { file } = workerData as { readonly file: string };

function tell(answer: LogAnswer): void {
  port.postMessage(answer);
}

function sent(error: unknown): SentError {
  if (error instanceof ApiServerError) return { code: error.code, message: error.message };
  const { errcode, message } = error as Error & { readonly errcode?: number };
  // What is no error of SQLite is a mistake of ours: it ends the thread, and is told there.
  if (errcode === undefined) throw error;
  return { code: 'StoreUnreachable', message: `the data file cannot be read: ${message}` };
}

function open(): LogFile | undefined {
  let log: LogFile | undefined;
  try {
    log = LogFile.open(file);
    let count = 0;
    for (const rows of log.pieces(rowsPerPiece)) {
      count += rows.revisions.length;
      tell({ kind: 'piece', rows });
    }
    tell({ kind: 'opened', compacted: log.compacted });
    // What the log was read into is with the owner now.
    if (count >= collectFromRows) collectHeap();
    return log;
  } catch (error) {
    log?.close();
    tell({ kind: 'failed', error: sent(unreadable(file, error)) });
    return undefined;
  }
}

function carryOut(log: LogFile, request: LogRequest): LogResults[keyof LogResults] {
  switch (request.kind) {
    case 'append':
      return log.append(request.rows) as undefined;
    case 'snapshot':
      return log.snapshot(request.prefix, request.revision);
    case 'changes':
      return log.changes(request.prefix, request.after, request.through);
    case 'begin-compaction':
      return log.beginCompaction(request.revision) as undefined;
    case 'compact-step':
      return log.compactStep();
    case 'close':
      return log.close() as undefined;
  }
}

const log = open();
if (log !== undefined) {
  port.on('message', (request: LogRequest) => {
    try {
      tell({ kind: 'done', result: carryOut(log, request) });
    } catch (error) {
      tell({ kind: 'failed', error: sent(error) });
    }
    if (request.kind === 'close') port.close();
  });
}
