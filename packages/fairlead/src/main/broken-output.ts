import type { EventEmitter } from 'node:events';

/** Status of a program that died of SIGPIPE, as a shell tells it. */
const pipeStatus = 141;

/** What is printed to, and how to end. */
export interface OutputSurroundings {
  readonly stdout: EventEmitter;
  readonly stderr: EventEmitter & { write(text: string): unknown };
  exit(status: number): void;
}

/** What becomes of a process whose output cannot be written. */
export interface OutputWatch {
  /** From now on it goes on without: it serves others. */
  serve(): void;
}

/**
 * Watches the output: the reader of a pipe may have gone (`fairlead get pods | head -1`), the terminal may have been
 * closed, the disk of a log may be full. A command is over then; a role or a system that serves goes on, and what it
 * cannot say is lost.
 */
export function watchOutput({ stdout, stderr, exit }: OutputSurroundings): OutputWatch {
  let isServing = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isServing) return;
    if (error.code !== 'EPIPE') stderr.write(`fairlead: cannot write: ${error.message}\n`);
    exit(error.code === 'EPIPE' ? pipeStatus : 1);
  });
  // There is nowhere left to say it.
  stderr.on('error', () => {});
  return {
    serve() {
      isServing = true;
    },
  };
}
