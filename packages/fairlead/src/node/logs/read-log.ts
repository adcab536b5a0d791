import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';

/** Options of `kubectl logs`. */
export interface LogQuery {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** Milliseconds since the epoch; earlier records are left out. */
  readonly since: number | undefined;
  readonly limitBytes: number | undefined;
}

/** One CRI record. */
export interface LogRecord {
  readonly time: string;
  readonly stream: string;
  /** The record ends a line. */
  readonly full: boolean;
  readonly text: Buffer;
}

/** Parses `TIME STREAM F|P TEXT`; undefined for anything else. */
function parseCriRecord(line: Buffer): LogRecord | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  const third = line.indexOf(32, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  return {
    time: line.toString('latin1', 0, first),
    stream: line.toString('latin1', first + 1, second),
    full: line[second + 1] === 70,
    text: line.subarray(third + 1),
  };
}

/** Turns CRI records into what the user sees. Feed it bytes; it returns text that is complete. */
export function createLogFormatter(query: Pick<LogQuery, 'timestamps' | 'since'>): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0);
  let lineOpen = false;
  return (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const out: Buffer[] = [];
    let from = 0;
    for (let end = data.indexOf(10, from); end >= 0; end = data.indexOf(10, from)) {
      const record = parseCriRecord(data.subarray(from, end));
      from = end + 1;
      if (record === undefined) continue;
      if (query.since !== undefined && Date.parse(record.time) < query.since) continue;
      if (query.timestamps && !lineOpen) out.push(Buffer.from(`${record.time} `));
      out.push(record.text);
      if (record.full) out.push(Buffer.from('\n'));
      lineOpen = !record.full;
    }
    rest = Buffer.from(data.subarray(from));
    return Buffer.concat(out);
  };
}

/** Last `lines` lines of formatted text. */
export function tailOf(text: Buffer, lines: number): Buffer {
  if (lines === 0) return Buffer.alloc(0);
  let at = text.length - 1;
  if (text[at] === 10) at--;
  for (let left = lines; at >= 0; at--) {
    if (text[at] === 10 && --left === 0) return text.subarray(at + 1);
  }
  return text;
}

/** A log file with its rotated predecessor, as one formatted text, and where following goes on. */
export function readLog(
  path: string,
  query: LogQuery,
): { readonly text: Buffer; readonly end: number; readonly inode: number } {
  const format = createLogFormatter(query);
  const parts: Buffer[] = [];
  let end = 0;
  let inode = 0;
  for (const file of [`${path}.1`, path]) {
    if (!existsSync(file)) continue;
    const fd = openSync(file, 'r');
    const size = statSync(file).size;
    const data = Buffer.alloc(size);
    const got = size === 0 ? 0 : readSync(fd, data, 0, size, 0);
    closeSync(fd);
    parts.push(format(data.subarray(0, got)));
    if (file === path) {
      end = got;
      inode = statSync(file).ino;
    }
  }
  let text: Buffer = Buffer.concat(parts);
  if (query.tailLines !== undefined) text = tailOf(text, query.tailLines);
  return { text, end, inode };
}
