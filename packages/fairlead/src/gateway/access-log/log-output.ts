import { close, fstatSync, open, statSync, write } from 'node:fs';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';

/** How often a file is looked at: whether it was renamed or removed meanwhile. */
const LOOK_MS = 1_000;
const WARN_MS = 60_000;
const RETRY_MS = 100;
const STDOUT = 1;

/**
 * Where access log lines go: a file, or stdout. One write at a time, on the thread pool. A file that was renamed or
 * removed (logrotate) is opened anew by its name, within a second or at {@link reopen}.
 */
export class LogOutput {
  readonly #path: string | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  #fd: number | undefined;
  #queue: Promise<void> = Promise.resolve();
  #wantsReopen = false;
  #lookedMs = 0;
  #warnedMs = -Infinity;
  #isClosed = false;

  /** @param target a path, or `stdout` */
  constructor(target: string, clock: Clock, log: Log) {
    this.#path = target === 'stdout' ? undefined : target;
    this.#fd = target === 'stdout' ? STDOUT : undefined;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Opens the file, so that a wrong place is known at the start.
   * @throws Error as open(2) has it.
   */
  async start(): Promise<void> {
    await this.#ensureOpen();
  }

  /** Resolves when the lines are written, or given up on. Never rejects. */
  write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    this.#queue = this.#queue
      .then(() => this.#writeAll(bytes))
      .catch((error: Error) => this.#complain(error, bytes.length));
    return this.#queue;
  }

  /** Opens the file anew before the next write: somebody has renamed it. */
  reopen(): void {
    this.#wantsReopen = true;
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#queue;
    this.#isClosed = true;
    await this.#closeFile();
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    if (this.#isClosed) return;
    await this.#reopenIfMoved();
    const fd = await this.#ensureOpen();
    let at = 0;
    while (at < bytes.length) {
      const written = await writeSome(fd, bytes, at);
      // A pipe that somebody made non-blocking, and that is full.
      if (written === 'again') await this.#clock.sleep(RETRY_MS);
      else at += written;
    }
  }

  async #reopenIfMoved(): Promise<void> {
    if (this.#path === undefined || this.#fd === undefined) return;
    const now = this.#clock.monotonicMs();
    if (!this.#wantsReopen && now - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = now;
    if (this.#wantsReopen || !isSameFile(this.#path, this.#fd)) {
      this.#wantsReopen = false;
      await this.#closeFile();
    }
  }

  async #ensureOpen(): Promise<number> {
    const path = this.#path;
    if (path === undefined || this.#fd !== undefined) return this.#fd ?? STDOUT;
    this.#lookedMs = this.#clock.monotonicMs();
    this.#fd = await new Promise<number>((resolve, reject) => {
      open(path, 'a', 0o640, (error, fd) => (error === null ? resolve(fd) : reject(error)));
    });
    return this.#fd;
  }

  async #closeFile(): Promise<void> {
    const fd = this.#fd;
    if (this.#path === undefined || fd === undefined) return;
    this.#fd = undefined;
    await new Promise<void>((resolve) => close(fd, () => resolve()));
  }

  #complain(error: Error, bytes: number): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#warnedMs < WARN_MS) return;
    this.#warnedMs = now;
    this.#log('warn', 'access log lines are lost', { file: this.#path ?? 'stdout', error: error.message, bytes });
  }
}

function writeSome(fd: number, bytes: Buffer, at: number): Promise<number | 'again'> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === 'EAGAIN') resolve('again');
      else reject(error);
    });
  });
}

function isSameFile(path: string, fd: number): boolean {
  try {
    const [named, opened] = [statSync(path), fstatSync(fd)];
    return named.ino === opened.ino && named.dev === opened.dev;
  } catch {
    return false;
  }
}
