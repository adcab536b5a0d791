import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Clock } from '../../sys/clock.ts';
import { endOf, type RunningCommand, startCommand } from './command.ts';
import { openContainerLog } from './container-log.ts';
import type {
  ExecResult,
  ExecSpec,
  OutputStream,
  ProcessExit,
  ProcessInfo,
  ProcessSpec,
  StartResult,
} from './protocol.ts';

/** Children of this process, by id. */
export interface ProcessTable {
  start(spec: ProcessSpec): Promise<StartResult>;
  /** Signals the whole process group; nothing happens when the process has ended. */
  signal(id: string, signal: NodeJS.Signals): void;
  /** Forgets an ended process. */
  forget(id: string): void;
  exec(spec: ExecSpec): Promise<ExecResult>;
  /** Writes to a process's standard input; `end` closes it. Nothing happens when it takes none. */
  input(id: string, data: Buffer, end: boolean): void;
  /** Tells a process's terminal its size. */
  resize(id: string, columns: number, rows: number): void;
  list(): ProcessInfo[];
  /** How many processes still run. */
  readonly running: number;
}

/** `/proc/PID/stat` field 22 (clock ticks since boot), or `''` when there is no such process. */
export function readStartTicks(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Looks a program up the way execvp does. */
export function findProgram(program: string, path: string, cwd: string): string | undefined {
  const executable = (file: string): boolean => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  };
  if (program.includes('/')) {
    const file = isAbsolute(program) ? program : resolve(cwd, program);
    return executable(file) ? file : undefined;
  }
  for (const folder of path.split(delimiter)) {
    const file = join(folder === '' ? '.' : folder, program);
    if (executable(file)) return file;
  }
  return undefined;
}

interface Entry {
  info: ProcessInfo;
  readonly running: RunningCommand;
}

/** Output that comes after the program's end is waited for no longer. */
const LATE_OUTPUT_MS = 200;

/** Makes an empty table. `onExit` is called once per started process, after its output was written. */
export function createProcessTable(
  clock: Clock,
  onExit: (id: string, exit: ProcessExit) => void,
  onOutput: (id: string, stream: OutputStream, data: Buffer) => void = () => {},
): ProcessTable {
  const table = new Map<string, Entry>();

  const start = (spec: ProcessSpec): Promise<StartResult> => {
    const known = table.get(spec.id);
    if (known !== undefined) return Promise.resolve({ ok: true, info: known.info });
    const program = spec.command[0] ?? '';
    if (findProgram(program, spec.env.PATH ?? '', spec.cwd) === undefined) {
      return Promise.resolve({ ok: false, message: `exec: "${program}": executable file not found` });
    }
    const [file = '', ...args] = [...spec.wrapper, ...spec.command];
    const log = openContainerLog(spec.logPath, () => clock.now());
    const command = { file, args, env: spec.env, cwd: spec.cwd };
    return startCommand(command, spec.tty === true, spec.stdin === true).then(
      (running) => {
        const entry: Entry = {
          info: {
            id: spec.id,
            pid: running.pid,
            startTicks: readStartTicks(running.pid),
            startedAt: clock.now(),
            exit: undefined,
          },
          running,
        };
        const take =
          (stream: OutputStream) =>
          (chunk: Buffer): void => {
            log.write(stream, chunk);
            onOutput(spec.id, stream, chunk);
          };
        running.stdout.on('data', take('stdout'));
        running.stderr?.on('data', take('stderr'));
        table.set(spec.id, entry);
        void running.exited.then(async ({ exitCode, signal }) => {
          const exit: ProcessExit = { exitCode, signal, finishedAt: clock.now() };
          killGroup(running.pid, 'SIGKILL');
          // Output may still be in the pipe; a grandchild may hold the pipe for ever.
          const outputs = [running.stdout, running.stderr];
          await Promise.all(outputs.map((output) => endOf(output, clock, LATE_OUTPUT_MS)));
          log.close();
          running.stdin?.destroy();
          for (const output of outputs) output?.destroy();
          entry.info = { ...entry.info, exit };
          onExit(spec.id, exit);
        });
        return { ok: true, info: entry.info };
      },
      (error: Error) => {
        log.close();
        return { ok: false, message: error.message };
      },
    );
  };

  return {
    start,
    signal(id, signal) {
      const entry = table.get(id);
      if (entry === undefined || entry.info.exit !== undefined) return;
      killGroup(entry.info.pid, signal);
    },
    forget(id) {
      if (table.get(id)?.info.exit !== undefined) table.delete(id);
    },
    exec: (spec) => runExec(spec, clock),
    input(id, data, end) {
      const stdin = table.get(id)?.running.stdin;
      if (stdin === undefined || stdin.destroyed || stdin.writableEnded) return;
      if (data.length > 0) stdin.write(data);
      if (end) stdin.end();
    },
    resize(id, columns, rows) {
      table.get(id)?.running.resize(columns, rows);
    },
    list: () => [...table.values()].map((entry) => entry.info),
    get running() {
      let count = 0;
      for (const entry of table.values()) if (entry.info.exit === undefined) count++;
      return count;
    },
  };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const EXEC_OUTPUT_MAX_BYTES = 4096;

function runExec(spec: ExecSpec, clock: Clock): Promise<ExecResult> {
  return new Promise((settle) => {
    const [file, ...args] = [...spec.wrapper, ...spec.command];
    const child = spawn(file!, args, {
      cwd: spec.cwd,
      env: { ...spec.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let timedOut = false;
    const take = (chunk: Buffer): void => {
      if (output.length < EXEC_OUTPUT_MAX_BYTES) output = (output + chunk.toString()).slice(0, EXEC_OUTPUT_MAX_BYTES);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const cancel = clock.after(spec.timeoutMs, () => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
    });
    const done = (exitCode: number): void => {
      cancel();
      settle({ exitCode, output, timedOut });
    };
    child.once('error', (error) => {
      output += error.message;
      done(127);
    });
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
      const cancelWait = clock.after(100, () =>
        done(code ?? 128 + (signal === null ? 0 : osConstants.signals[signal])),
      );
      child.once('close', () => {
        cancelWait();
        done(code ?? 128 + (signal === null ? 0 : osConstants.signals[signal]));
      });
    });
  });
}
