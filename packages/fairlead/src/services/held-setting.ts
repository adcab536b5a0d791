import { readFileSync, writeFileSync } from 'node:fs';
import type { Log } from '../sys/role.ts';

/** A kernel setting that has another value while somebody needs it. */
export class HeldSetting {
  readonly #path: string;
  readonly #value: string;
  readonly #log: Log;
  #before: string | undefined;

  constructor(path: string, value: string, log: Log) {
    this.#path = path;
    this.#value = value;
    this.#log = log;
  }

  /** Sets it, or gives it back the value it had. What cannot be written is logged. */
  hold(on: boolean): void {
    if (on === (this.#before !== undefined)) return;
    try {
      if (on) {
        const before = readFileSync(this.#path, 'utf8').trim();
        writeFileSync(this.#path, this.#value);
        this.#before = before;
        if (before !== this.#value) this.#log('info', 'Changed a kernel setting for Services', { path: this.#path });
      } else {
        writeFileSync(this.#path, this.#before ?? this.#value);
        this.#before = undefined;
      }
    } catch (error) {
      this.#log('warn', 'A kernel setting cannot be changed', { path: this.#path, error: (error as Error).message });
    }
  }
}
