import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { checkedCall, isChecking, noteAddress, setUpChecking } from './checking.ts';
import { provideAddresses } from './pinned.ts';
import { platformProblem } from './platform.ts';
import { SysError } from './sys-error.ts';

function loadKoffi(): typeof Koffi {
  const problem = platformProblem();
  if (problem !== undefined) throw new SysError('unsupported-platform', problem);
  try {
    // require, not import: a failure to load the native module must become our own error.
    return createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch (cause) {
    throw new SysError('ffi-unavailable', `koffi, the FFI library, cannot be loaded: ${String(cause)}`, { cause });
  }
}

function loadLibc(koffi: typeof Koffi): Koffi.LibraryHandle {
  let failure: unknown;
  // glibc, musl (Alpine): the second name is what musl's loader is called.
  for (const name of ['libc.so.6', `libc.musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`]) {
    try {
      return koffi.load(name);
    } catch (cause) {
      failure = cause;
    }
  }
  throw new SysError('ffi-unavailable', 'the C library cannot be opened', { cause: failure });
}

const koffi = loadKoffi();
const library = loadLibc(koffi);
if (isChecking) setUpChecking(library);

type Call = (...args: readonly number[]) => number;

function declared(from: Koffi.LibraryHandle, definition: string): Call {
  const call = from.func(definition) as unknown as Call;
  return isChecking ? checkedCall(definition, call) : call;
}

/**
 * Declares a C function whose parameters and result are integers; pointers are `uintptr_t` numbers.
 * A user-space address fits 47 (x64) or 48 bits (arm64), so a JavaScript number holds it exactly.
 */
export function declare<Args extends readonly number[]>(definition: string): (...args: Args) => number {
  return declared(library, definition) as unknown as (...args: Args) => number;
}

let ownProcess: Koffi.LibraryHandle | undefined;

/** The same for a function that this executable itself exports: Node's own OpenSSL. */
export function declareOwn<Args extends readonly number[]>(definition: string): (...args: Args) => number {
  ownProcess ??= koffi.load(null);
  return declared(ownProcess, definition) as unknown as (...args: Args) => number;
}

/**
 * Address of a C function that runs `callback`, for ever. Only for calls on this thread, from
 * within a call that this thread makes; the callback must not throw.
 */
export function callbackAddress<Args extends readonly number[]>(
  definition: string,
  callback: (...args: Args) => number,
): number {
  const type = koffi.pointer(koffi.proto(definition));
  return Number(koffi.register(callback as unknown as (...args: number[]) => number, type) as unknown as bigint);
}

/** Address of a buffer's first byte. The caller keeps the buffer alive as long as the address is used. */
export function addressOf(bytes: Uint8Array): number {
  const address = Number(koffi.address(bytes));
  if (isChecking) noteAddress(bytes, address);
  return address;
}

/**
 * Turns -1 into -errno. Runs right behind the call: nothing allocates in between, so no
 * collection can disturb errno.
 */
export function resultOrErrno(result: number): number {
  return result < 0 ? -koffi.errno() : result;
}

/** errno of the call just made, positive. */
export function currentErrno(): number {
  return koffi.errno();
}

provideAddresses(addressOf);
