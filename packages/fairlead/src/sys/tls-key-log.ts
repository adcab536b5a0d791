import { appendFileSync } from 'node:fs';
import { callbackAddress, declare, declareOwn } from './libc.ts';
import { copyFromNative } from './native-values.ts';

const cSetCallback = declareOwn<[number, number]>('void SSL_CTX_set_keylog_callback(uintptr_t, uintptr_t)');
const cStrlen = declare<[number]>('size_t strlen(uintptr_t)');

let file: string | undefined;
let address = 0;

/** Where contexts that this thread makes from now on write the secrets of their sessions (NSS key log format). */
export function setKeyLogFile(path: string | undefined): void {
  file = path;
}

/** Lets a context write its secrets, if that was asked for. Whoever reads the file can decipher its connections. */
export function logKeysOf(context: number): void {
  if (file === undefined) return;
  if (address === 0) {
    address = callbackAddress<[number, number]>('void fairlead_keylog(uintptr_t, uintptr_t)', (_, line) => {
      try {
        if (file !== undefined)
          appendFileSync(file, `${copyFromNative(line, cStrlen(line)).toString('latin1')}\n`, { mode: 0o600 });
      } catch {
        // A full disk must not end a handshake, nor may a callback throw.
      }
      return 0;
    });
  }
  cSetCallback(context, address);
}
