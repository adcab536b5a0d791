import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DnsRecord } from '../wire/dns/message.ts';
import { readName } from '../wire/dns/name.ts';
import type { FileZone } from './file-zone.ts';
import type { OwnerName } from './program.ts';
import { zoneKey } from './zone-set.ts';

/** A zone as it was kept. */
export interface StoredZone {
  /** Its SOA first. */
  readonly records: readonly DnsRecord[];
  /** When a primary last said that it is current: milliseconds since 1970. */
  readonly confirmedAtMs: number;
}

/** Tells the format, and its version. */
const magic = Buffer.from('fairlead zone 1\n');
const digestBytes = 32;
/** Room for a name, its padding, and the fixed part of a record. */
const recordHeadBytes = 255 + 10;

/**
 * Zones of primaries on disk, one file each, so that a server that starts again has them while no primary answers. A file is its
 * format's name, a SHA-256 of the rest, and the records as on the wire without compression; it was last modified when a primary last
 * confirmed it. What is damaged counts as absent.
 */
export class ZoneStore {
  readonly #folder: string;
  /** Writes of one zone come one after the other. */
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws what the file system says, except that there is none. */
  async read(origin: OwnerName): Promise<StoredZone | undefined> {
    const file = this.#fileOf(origin);
    try {
      const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
      const records = readRecords(bytes);
      return records && { records, confirmedAtMs: mtimeMs };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Replaces what is kept of a zone, at once. */
  write(origin: OwnerName, zone: FileZone, confirmedAtMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const file = this.#fileOf(origin);
      const next = `${file}.next`;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      try {
        await writeFile(next, zoneBytes(zone), { mode: 0o600 });
        await utimes(next, confirmedAtMs / 1000, confirmedAtMs / 1000);
        await rename(next, file);
      } catch (error) {
        await rm(next, { force: true });
        throw error;
      }
    });
  }

  /** A primary has said that what is kept is current. */
  confirm(origin: OwnerName, confirmedAtMs: number): Promise<void> {
    return this.#inTurn(() => utimes(this.#fileOf(origin), confirmedAtMs / 1000, confirmedAtMs / 1000));
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(task);
    this.#writing = done.catch(() => {});
    return done;
  }

  /** Names of zones may have any bytes, names of files may not. */
  #fileOf(origin: OwnerName): string {
    return join(this.#folder, `${encodeURIComponent(zoneKey(origin) ?? '').replaceAll('%', '=')}.zone`);
  }
}

function zoneBytes(zone: FileZone): Buffer {
  const parts: Uint8Array[] = [];
  let isFirst = true;
  for (const record of zone.transfer()) {
    // A transfer ends with the SOA that it began with.
    if (record === zone.soa && !isFirst) continue;
    isFirst = false;
    const head = Buffer.alloc(10);
    head.writeUInt16BE(record.type, 0);
    head.writeUInt16BE(record.class, 2);
    head.writeUInt32BE(record.ttl, 4);
    head.writeUInt16BE(record.data.length, 8);
    parts.push(record.name, head, record.data);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([magic, createHash('sha256').update(body).digest(), body]);
}

/** Absent: damaged, or of another version. */
function readRecords(bytes: Buffer): DnsRecord[] | undefined {
  const body = bytes.subarray(magic.length + digestBytes);
  const digest = bytes.subarray(magic.length, magic.length + digestBytes);
  if (!bytes.subarray(0, magic.length).equals(magic)) return undefined;
  if (!createHash('sha256').update(body).digest().equals(digest)) return undefined;
  const records: DnsRecord[] = [];
  for (let at = 0; at < body.length; ) {
    const name = readName(body.subarray(at, at + recordHeadBytes), 0, Math.min(recordHeadBytes, body.length - at));
    if (name === undefined) return undefined;
    const head = at + name.next;
    const length = body.readUInt16BE(head + 8);
    records.push({
      name: name.name,
      type: body.readUInt16BE(head),
      class: body.readUInt16BE(head + 2),
      ttl: body.readUInt32BE(head + 4),
      data: body.subarray(head + 10, head + 10 + length),
    });
    at = head + 10 + length;
  }
  return records;
}
