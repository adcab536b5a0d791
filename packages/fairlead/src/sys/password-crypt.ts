import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { platformProblem } from './platform.ts';

/** Hashes a phrase as crypt(3) does, on a thread of its own; undefined where that cannot be done. */
export type PasswordCrypt = (phrase: string, setting: string) => Promise<string | undefined>;

/** `struct crypt_data` of libxcrypt. */
const DATA_BYTES = 32 * 1024;

let opened: PasswordCrypt | 'missing' | undefined;

/**
 * The system's libcrypt (Debian: libcrypt1, which its login needs): bcrypt and what else it knows. The work runs
 * on the thread pool; main thread only, for the answer comes over the event loop. Without the library every
 * answer is undefined.
 */
export function passwordCrypt(): PasswordCrypt {
  opened ??= open();
  return opened === 'missing' ? () => Promise.resolve(undefined) : opened;
}

function open(): PasswordCrypt | 'missing' {
  if (platformProblem() !== undefined) return 'missing';
  for (const name of ['libcrypt.so.1', 'libcrypt.so.2']) {
    try {
      const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
      const run = koffi.load(name).func('str crypt_rn(str phrase, str setting, void *data, int size)');
      return (phrase, setting) => {
        const data = Buffer.alloc(DATA_BYTES);
        return new Promise((resolve) => {
          run.async(phrase, setting, data, data.length, (error: unknown, result: string | null) => {
            // The library keeps what it computed with in there.
            data.fill(0);
            resolve(error !== null || result === null ? undefined : result);
          });
        });
      };
    } catch {
      // The next name, or none.
    }
  }
  return 'missing';
}
