import { createSecureContext } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { TlsFiles } from './tcp-server.ts';

/** How often the files of a certificate are looked at. */
const checkMs = 5000;

/** Looks for renewed certificates. One that does not load, or half of a pair, changes nothing. */
export class CertificateWatch {
  readonly #readFiles: (() => TlsFiles) | undefined;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #log: Log;
  readonly #onRenewed: (files: TlsFiles) => void;
  #files: TlsFiles;
  #failures = 0;
  #cancel: (() => void) | undefined;

  /** `readFiles` absent: they never change. */
  constructor(
    { files, readFiles }: { readonly files: TlsFiles; readonly readFiles?: () => TlsFiles },
    clock: Pick<Clock, 'after'>,
    log: Log,
    onRenewed: (files: TlsFiles) => void,
  ) {
    this.#files = files;
    this.#readFiles = readFiles;
    this.#clock = clock;
    this.#log = log;
    this.#onRenewed = onRenewed;
  }

  /** Renewed certificates that could not be used. */
  get failures(): number {
    return this.#failures;
  }

  start(): void {
    if (this.#readFiles === undefined) return;
    this.#cancel = this.#clock.after(checkMs, () => {
      this.#check();
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  #check(): void {
    try {
      const files = this.#readFiles?.();
      if (files === undefined || (files.cert === this.#files.cert && files.key === this.#files.key)) return;
      this.#files = files;
      createSecureContext({ cert: files.cert, key: files.key });
      this.#onRenewed(files);
      this.#log('info', 'DNS over TLS has a new certificate');
    } catch (error) {
      this.#failures++;
      this.#log('warn', 'DNS over TLS keeps its certificate: the new one cannot be used', {
        error: (error as Error).message,
      });
    }
  }
}
