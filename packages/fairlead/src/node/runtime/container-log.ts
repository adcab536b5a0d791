import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log file is rotated to `FILE.1` beyond this size. */
const LOG_ROTATE_BYTES: number = 10 * 1024 * 1024;
/** A line longer than this is cut into partial records, as CRI runtimes do. */
const LINE_MAX_BYTES = 16 * 1024;

/** One stream of a container's output. */
export type LogStream = 'stdout' | 'stderr';

/** The log file of one container attempt. */
export interface ContainerLog {
  write(stream: LogStream, chunk: Buffer): void;
  /** Writes unfinished lines and closes the file. */
  close(): void;
}

/** RFC 3339 with nine fractional digits. */
function logTimestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, -1)}000000Z`;
}

/**
 * Formats output as CRI log records, `TIME STREAM F|P TEXT\n`: `F` ends a line, `P` is continued.
 * Returns the records and the bytes that wait for their newline.
 */
export function formatCriRecords(
  stream: LogStream,
  pending: Buffer,
  chunk: Buffer,
  nowMs: number,
): { readonly records: Buffer; readonly rest: Buffer } {
  const time = logTimestamp(nowMs);
  const full = Buffer.from(`${time} ${stream} F `);
  const partial = Buffer.from(`${time} ${stream} P `);
  const newline = Buffer.from('\n');
  const data = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
  const parts: Buffer[] = [];
  let from = 0;
  for (;;) {
    const end = data.indexOf(10, from);
    const stop = end < 0 ? data.length : end;
    while (stop - from > LINE_MAX_BYTES) {
      parts.push(partial, data.subarray(from, from + LINE_MAX_BYTES), newline);
      from += LINE_MAX_BYTES;
    }
    if (end < 0) break;
    parts.push(full, data.subarray(from, end), newline);
    from = end + 1;
  }
  return { records: Buffer.concat(parts), rest: Buffer.from(data.subarray(from)) };
}

/** Opens a log file for appending. Keeps one rotated file beside it. */
export function openContainerLog(
  path: string,
  now: () => number,
  rotateBytes: number = LOG_ROTATE_BYTES,
): ContainerLog {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  let fd = openSync(path, 'a', 0o640);
  let size = fstatSync(fd).size;
  let closed = false;
  const pending: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const append = (records: Buffer): void => {
    if (records.length === 0) return;
    if (size > 0 && size + records.length > rotateBytes) {
      closeSync(fd);
      renameSync(path, `${path}.1`);
      fd = openSync(path, 'a', 0o640);
      size = 0;
    }
    writeSync(fd, records);
    size += records.length;
  };
  return {
    write(stream, chunk) {
      if (closed) return;
      const { records, rest } = formatCriRecords(stream, pending[stream], chunk, now());
      pending[stream] = rest;
      append(records);
    },
    close() {
      if (closed) return;
      for (const stream of ['stdout', 'stderr'] as const) {
        const rest = pending[stream];
        if (rest.length === 0) continue;
        append(Buffer.concat([Buffer.from(`${logTimestamp(now())} ${stream} P `), rest, Buffer.from('\n')]));
      }
      closed = true;
      closeSync(fd);
    },
  };
}
