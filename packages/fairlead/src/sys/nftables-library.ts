import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { platformProblem } from './platform.ts';

/** Result of a transaction; after `ok: false` nothing of it is installed. */
export type NftablesResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** The nft program's own library, loaded into this process. */
export interface NftablesLibrary {
  /** Runs one transaction in the process's network namespace. Blocks until the kernel has committed it. */
  run(text: string): NftablesResult;
  close(): void;
}

/**
 * Opens libnftables (Debian: libnftables1, which the program nft itself uses).
 *
 * Its socket stays open between transactions: starting nft and closing its netlink
 * socket costs 4 to 20 ms, the transaction itself less than one.
 * `undefined` where the library or the FFI is missing; then use the program.
 */
export function openNftablesLibrary(): NftablesLibrary | undefined {
  if (platformProblem() !== undefined) return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load('libnftables.so.1');
    const newContext = library.func('void *nft_ctx_new(uint32_t)') as unknown as (flags: number) => unknown;
    const freeContext = library.func('void nft_ctx_free(void *)') as unknown as (context: unknown) => void;
    const bufferOutput = library.func('int nft_ctx_buffer_output(void *)') as unknown as (context: unknown) => number;
    const bufferError = library.func('int nft_ctx_buffer_error(void *)') as unknown as (context: unknown) => number;
    const errorText = library.func('str nft_ctx_get_error_buffer(void *)') as unknown as (context: unknown) => string;
    const runCommands = library.func('int nft_run_cmd_from_buffer(void *, str)') as unknown as (
      context: unknown,
      text: string,
    ) => number;
    let context: unknown = newContext(0);
    if (context === null) return undefined;
    // Otherwise it writes to this process's own stdout and stderr.
    bufferOutput(context);
    bufferError(context);
    return {
      run: (text) => {
        if (context === null) return { ok: false, message: 'libnftables is closed' };
        return runCommands(context, text) === 0 ? { ok: true } : { ok: false, message: errorText(context) };
      },
      close: () => {
        if (context !== null) freeContext(context);
        context = null;
      },
    };
  } catch {
    return undefined;
  }
}
