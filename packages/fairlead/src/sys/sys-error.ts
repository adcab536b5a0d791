/** Why a system call or the FFI itself cannot be used. */
export type SysErrorCode = 'unsupported-platform' | 'ffi-unavailable' | 'call-failed' | 'bad-argument';

/** The one error class of `sys`. Expected results of calls are negative numbers, not this. */
export class SysError extends Error {
  readonly code: SysErrorCode;
  /** Positive errno of a failed call, else 0. */
  readonly errno: number;

  constructor(code: SysErrorCode, message: string, options: { errno?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SysError';
    this.code = code;
    this.errno = options.errno ?? 0;
  }
}
