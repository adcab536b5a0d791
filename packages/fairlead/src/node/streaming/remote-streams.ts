import type { Readable, Writable } from 'node:stream';

/** The client's ends of an exec or attach session; only those exist that it asked for. */
export interface RemoteStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Gets one `Status` object as JSON, then ends. */
  readonly error: Writable;
  /** Terminal sizes as JSON: `{"Width":80,"Height":24}`. */
  readonly resize: Readable | undefined;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Ends the connection after all that was written. */
  close(): void;
}

/** What a client asks for in the query of exec and attach. */
export interface StreamRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Reads `stdin`, `stdout`, `stderr`, `tty`; a terminal has no stderr of its own. */
export function streamRequest(query: URLSearchParams): StreamRequest {
  const flag = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const tty = flag('tty');
  return { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty, tty };
}

/** The `Status` that ends a session: success, or the program's exit status. */
export function exitStatus(exitCode: number): object {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** The `Status` of a session that failed for another reason. */
export function failureStatus(message: string): object {
  return { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
}
