import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import type { Clock } from '../../sys/clock.ts';
import type { Pty } from '../../sys/pty.ts';

/** A program to run beside a container's own. */
export interface ContainerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Exit status, 128 + signal number when a signal ended it; `signal` is 0 when none did. */
export interface CommandExit {
  readonly exitCode: number;
  readonly signal: number;
}

/** A running command; with a terminal, `stderr` is absent and input has no end of its own. */
export interface RunningCommand {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  resize(columns: number, rows: number): void;
  /** Signals the command's process group. */
  signal(name: NodeJS.Signals): void;
  /** How it ended, as soon as the program is gone; output may still come. */
  readonly exited: Promise<CommandExit>;
}

/** Opens the terminal as a session leader, which makes it the controlling one, then becomes the program. */
const TERMINAL_SCRIPT = 'exec <"$0" >"$0" 2>&1; exec "$@"';

/**
 * Starts a command, in a session of its own. Rejects when it cannot be started.
 * @param input whether its standard input is wanted
 */
export async function startCommand(command: ContainerCommand, tty: boolean, input: boolean): Promise<RunningCommand> {
  return tty ? startOnTerminal(command) : startOnPipes(command, input);
}

function startOnPipes(command: ContainerCommand, input: boolean): Promise<RunningCommand> {
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      resolve({
        pid: child.pid!,
        stdin: child.stdin ?? undefined,
        stdout: child.stdout!,
        stderr: child.stderr!,
        resize() {},
        signal: (name) => signalGroup(child.pid!, name),
        exited: exitOf(child),
      });
    });
  });
}

async function startOnTerminal(command: ContainerCommand): Promise<RunningCommand> {
  // Loaded here, not at the top: a runtime whose containers have no terminals never opens the FFI library.
  const { openPty, setWindowSize } = await import('../../sys/pty.ts');
  const pty: Pty = openPty();
  const child = spawn('/bin/sh', ['-c', TERMINAL_SCRIPT, pty.path, command.file, ...command.args], {
    cwd: command.cwd,
    env: { TERM: 'xterm', ...command.env },
    detached: true,
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      closeSync(pty.master);
      reject(error);
    });
    child.once('spawn', () => {
      const terminal = new ReadStream(pty.master);
      // EIO: the last program closed the terminal.
      terminal.on('error', () => terminal.push(null));
      let open = true;
      terminal.once('close', () => {
        open = false;
      });
      resolve({
        pid: child.pid!,
        stdin: terminal,
        stdout: terminal,
        stderr: undefined,
        resize(columns, rows) {
          if (open) setWindowSize(pty.master, columns, rows);
        },
        signal: (name) => signalGroup(child.pid!, name),
        exited: exitOf(child),
      });
    });
  });
}

function exitOf(child: ReturnType<typeof spawn>): Promise<CommandExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signalName) => {
      const signal = signalName === null ? 0 : osConstants.signals[signalName];
      resolve({ exitCode: code ?? 128 + signal, signal });
    });
  });
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // Ended meanwhile.
  }
}

/** Resolves when a stream has ended, or `withinMs` after the call: a grandchild may hold a pipe for ever. */
export function endOf(stream: Readable | undefined, clock: Clock, withinMs: number): Promise<void> {
  if (stream === undefined || stream.readableEnded || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.after(withinMs, () => resolve());
    const done = (): void => {
      cancel();
      resolve();
    };
    stream.once('end', done);
    stream.once('close', done);
  });
}
