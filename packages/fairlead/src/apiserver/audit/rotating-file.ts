import {
  createWriteStream,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../sys/clock.ts';

/** When a file is put aside, and how long what was put aside is kept. */
export interface Rotation {
  /** A line that would make the file larger opens a new one; bytes. */
  readonly maxBytes: number | 'unlimited';
  /** Files put aside that are kept. */
  readonly backups: number | 'all';
  /** Files put aside are removed when they are older; milliseconds. */
  readonly maxAgeMs: number | 'unlimited';
}

/** Keeps everything in one file. */
export const noRotation: Rotation = { maxBytes: 'unlimited', backups: 'all', maxAgeMs: 'unlimited' };

/** Most bytes that wait for the disk; what comes on top is refused. */
const queueMaxBytes = 4 * 1024 * 1024;

/**
 * Appends lines to a file and starts a new one when it is full: `audit.log` becomes
 * `audit-2026-11-21T15-04-05.000.log`. Never waits for the disk: beyond 4 MiB in the queue lines are refused.
 */
export class RotatingFile {
  readonly #file: string;
  readonly #rotation: Rotation;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  #stream: WriteStream;
  #bytes: number;
  #closing: Promise<void>[] = [];

  constructor(file: string, rotation: Rotation, clock: Clock, onError: (error: Error) => void) {
    this.#file = file;
    this.#rotation = rotation;
    this.#clock = clock;
    this.#onError = onError;
    this.#bytes = existsSync(file) ? statSync(file).size : 0;
    this.#stream = this.#open();
    this.#removeOld();
  }

  /** False: the queue is full and the line is lost. */
  write(line: string): boolean {
    if (this.#stream.writableLength > queueMaxBytes) return false;
    const bytes = Buffer.byteLength(line);
    const { maxBytes } = this.#rotation;
    if (maxBytes !== 'unlimited' && this.#bytes > 0 && this.#bytes + bytes > maxBytes) {
      this.#rotate();
    }
    this.#bytes += bytes;
    this.#stream.write(line);
    return true;
  }

  /** Resolves when every line is with the operating system. */
  async close(): Promise<void> {
    await Promise.all([...this.#closing, ended(this.#stream)]);
  }

  #open(): WriteStream {
    // Opened at once: a rotation must find the file in its place.
    const stream = createWriteStream(this.#file, { fd: openSync(this.#file, 'a', 0o600) });
    stream.on('error', this.#onError);
    return stream;
  }

  /** The old stream goes on writing into its open file, whatever that is called now. */
  #rotate(): void {
    const full = this.#stream;
    try {
      renameSync(this.#file, this.#backupName());
      this.#stream = this.#open();
    } catch (error) {
      // The full file goes on growing; better than to lose lines.
      this.#bytes = 0;
      this.#onError(error as Error);
      return;
    }
    const closing = ended(full);
    this.#closing.push(closing);
    void closing.then(() => {
      this.#closing = this.#closing.filter((other) => other !== closing);
    });
    this.#bytes = 0;
    this.#removeOld();
  }

  #backupName(): string {
    const { folder, stem, extension } = this.#parts();
    // Two files of one millisecond must not be one.
    for (let ms = this.#clock.now(); ; ms++) {
      const name = join(folder, `${stem}-${stampOf(ms)}${extension}`);
      if (!existsSync(name)) return name;
    }
  }

  #removeOld(): void {
    const { backups, maxAgeMs } = this.#rotation;
    if (backups === 'all' && maxAgeMs === 'unlimited') return;
    const { folder, stem, extension } = this.#parts();
    try {
      const names = readdirSync(folder)
        .filter((name) => name.startsWith(`${stem}-`) && name.endsWith(extension))
        .map((name) => ({ name, stamp: name.slice(stem.length + 1, name.length - extension.length) }))
        .filter(({ stamp }) => /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(stamp))
        .sort((a, b) => (a.stamp < b.stamp ? 1 : -1));
      const oldest = maxAgeMs === 'unlimited' ? '' : stampOf(this.#clock.now() - maxAgeMs);
      for (const [index, { name, stamp }] of names.entries()) {
        if ((backups !== 'all' && index >= backups) || stamp < oldest) rmSync(join(folder, name), { force: true });
      }
    } catch (error) {
      this.#onError(error as Error);
    }
  }

  #parts(): { readonly folder: string; readonly stem: string; readonly extension: string } {
    const extension = extname(this.#file);
    return { folder: dirname(this.#file), stem: basename(this.#file, extension), extension };
  }
}

function stampOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replaceAll(':', '-');
}

function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else {
      stream.once('close', () => resolve());
      stream.end();
    }
  });
}
