import { createHash, type Hash } from 'node:crypto';
import { parseJson } from '@fairlead/api/json-number';
import { ApiServerError } from '../../api-server-error.ts';
import type { StorageEntry } from '../storage.ts';

// A backup is text, one JSON value per line:
//   {"format":"fairlead backup","version":1,"revision":4711}
//   {"key":"/core/services/default/web","modRevision":4200,"value":{…}}      one per object, in key order
//   {"objects":123,"sha256":"…"}                                            of all bytes before this line

const format = 'fairlead backup';
const version = 1;

/** The state of a store at one revision. */
export interface StoreSnapshot {
  readonly revision: number;
  readonly entries: readonly StorageEntry[];
}

/** The lines of a backup, in chunks of some size. */
export function* writeBackup({ revision, entries }: StoreSnapshot): Generator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    return bytes;
  };
  yield hashed(`${JSON.stringify({ format, version, revision })}\n`);
  let lines = '';
  for (const { key, modRevision, value } of entries) {
    lines += `{"key":${JSON.stringify(key)},"modRevision":${modRevision},"value":${value}}\n`;
    if (lines.length < 65_536) continue;
    yield hashed(lines);
    lines = '';
  }
  if (lines !== '') yield hashed(lines);
  yield Buffer.from(`${JSON.stringify({ objects: entries.length, sha256: hash.digest('hex') })}\n`);
}

/**
 * Reads a backup and checks it from the first byte to the last: format, every line, order, number and hash.
 * @throws ApiServerError `DataCorrupt` with the line, `DataForeign` for another format
 */
export function readBackup(bytes: Buffer): StoreSnapshot {
  const reader = new LineReader(bytes);
  const head = reader.next();
  if (head?.format !== format) throw new ApiServerError('DataForeign', 'the file is not a backup of Fairlead');
  if (head.version !== version) {
    throw new ApiServerError(
      'DataForeign',
      `the backup has version ${String(head.version)}, this program knows ${version}`,
    );
  }
  const revision = head.revision;
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 1)
    throw reader.damaged('no revision');
  const entries: StorageEntry[] = [];
  for (;;) {
    const digest = reader.digest();
    const line = reader.next();
    if (line === undefined) throw reader.damaged('the end is missing');
    if (line.sha256 !== undefined) {
      if (line.objects !== entries.length) throw reader.damaged(`${entries.length} of ${String(line.objects)} objects`);
      if (line.sha256 !== digest) throw reader.damaged('the checksum does not match');
      if (reader.next() !== undefined) throw reader.damaged('something follows the end');
      return { revision, entries };
    }
    entries.push(readEntry(reader, line, entries.at(-1)?.key ?? ''));
  }
}

function readEntry(reader: LineReader, line: Readonly<Record<string, unknown>>, after: string): StorageEntry {
  const { key, modRevision, value } = line;
  if (typeof key !== 'string' || !key.startsWith('/') || key <= after) throw reader.damaged('no key, or out of order');
  if (typeof modRevision !== 'number' || !Number.isSafeInteger(modRevision)) throw reader.damaged('no revision');
  if (typeof value !== 'object' || value === null) throw reader.damaged('no object');
  // Not the text of the line: a store holds what JSON.stringify makes.
  return { key, value: JSON.stringify(value), createRevision: modRevision, modRevision };
}

class LineReader {
  readonly #bytes: Buffer;
  readonly #hash: Hash = createHash('sha256');
  #position = 0;
  #line = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The next line as an object; `undefined` at the end of the file. */
  next(): Readonly<Record<string, unknown>> | undefined {
    if (this.#position >= this.#bytes.length) return undefined;
    this.#line += 1;
    const newline = this.#bytes.indexOf(0x0a, this.#position);
    if (newline < 0) throw this.damaged('the line has no end');
    const bytes = this.#bytes.subarray(this.#position, newline + 1);
    this.#hash.update(bytes);
    this.#position = newline + 1;
    let parsed: unknown;
    try {
      parsed = parseJson(bytes.toString('utf8'));
    } catch (error) {
      throw this.damaged(error instanceof Error ? error.message : 'not JSON');
    }
    if (typeof parsed !== 'object' || parsed === null) throw this.damaged('not a JSON object');
    return parsed as Record<string, unknown>;
  }

  /** Hash of all bytes so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  damaged(why: string): ApiServerError {
    const text = why.replaceAll(/\s+/g, ' ');
    return new ApiServerError('DataCorrupt', `the backup is damaged at line ${Math.max(1, this.#line)}: ${text}`);
  }
}
