/**
 * What the agent and the Pod runtime process say to each other: JSON lines over a unix socket.
 *
 * Every request carries `seq` and gets one answer with the same `seq`; an event has none.
 */

/** A process to run as a container. */
export interface ProcessSpec {
  /** `PODUID/CONTAINER/ATTEMPT`. */
  readonly id: string;
  /** Program and arguments; the program is looked up on `env.PATH`. */
  readonly command: readonly string[];
  /** Program and arguments put in front of `command`: enters the Pod's namespaces. */
  readonly wrapper: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** File that gets the output as CRI log lines. */
  readonly logPath: string;
  /** Keep its standard input open for {@link RuntimeRequest} `input`; otherwise it reads nothing. */
  readonly stdin?: boolean;
  /** Its standard streams are a terminal. */
  readonly tty?: boolean;
}

/** How a process ended. */
export interface ProcessExit {
  /** Exit status; 128 + signal number when a signal ended it. */
  readonly exitCode: number;
  /** Signal number, 0 when none. */
  readonly signal: number;
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
}

/** A process that the runtime knows. */
export interface ProcessInfo {
  readonly id: string;
  readonly pid: number;
  /** Start time in clock ticks since boot (`/proc/PID/stat` field 22); tells a reused pid. */
  readonly startTicks: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly exit: ProcessExit | undefined;
}

/** A short command in a Pod: exec probe or hook. */
export interface ExecSpec {
  readonly command: readonly string[];
  readonly wrapper: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
}

/** Result of an {@link ExecSpec}; `output` holds at most 4 KiB. */
export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
  readonly timedOut: boolean;
}

/** What an agent asks of the runtime; each gets one answer with its number. */
export type RuntimeRequest =
  | { readonly op: 'list' }
  | { readonly op: 'start'; readonly spec: ProcessSpec }
  | { readonly op: 'signal'; readonly id: string; readonly signal: 'SIGTERM' | 'SIGKILL' | NodeJS.Signals }
  | { readonly op: 'forget'; readonly id: string }
  | { readonly op: 'exec'; readonly spec: ExecSpec }
  /** From now on this agent gets the output of a process as events. */
  | { readonly op: 'attach'; readonly id: string }
  | { readonly op: 'detach'; readonly id: string }
  /** Base64 bytes for the standard input; `end` closes it. */
  | { readonly op: 'input'; readonly id: string; readonly data: string; readonly end: boolean }
  | { readonly op: 'resize'; readonly id: string; readonly columns: number; readonly rows: number }
  | { readonly op: 'shutdown'; readonly graceMs: number };

/** Which of a process's outputs; a terminal has only `stdout`. */
export type OutputStream = 'stdout' | 'stderr';

/** Whether a process was started. */
export type StartResult =
  | { readonly ok: true; readonly info: ProcessInfo }
  | { readonly ok: false; readonly message: string };

/** What the runtime says: answers by number, and events. */
export type RuntimeMessage =
  | { readonly seq: number; readonly answer: unknown }
  | { readonly seq: number; readonly error: string }
  | { readonly event: 'exited'; readonly id: string; readonly exit: ProcessExit }
  /** `data` is Base64. */
  | { readonly event: 'output'; readonly id: string; readonly stream: OutputStream; readonly data: string };

/** Splits a byte stream into JSON lines. */
export function createLineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(10, from);
      if (end < 0) break;
      rest.push(chunk.subarray(from, end));
      const line = rest.length === 1 ? rest[0]! : Buffer.concat(rest);
      rest = [];
      from = end + 1;
      if (line.length > 0) onLine(line.toString());
    }
    if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
  };
}
