import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../sys/clock.ts';
import {
  createLineSplitter,
  type ExecResult,
  type ExecSpec,
  type OutputStream,
  type ProcessExit,
  type ProcessInfo,
  type ProcessSpec,
  type RuntimeMessage,
  type RuntimeRequest,
  type StartResult,
} from './protocol.ts';

/** The agent's end of the connection to the Pod runtime process. */
export interface RuntimeClient {
  start(spec: ProcessSpec): Promise<StartResult>;
  signal(id: string, signal: NodeJS.Signals): Promise<void>;
  forget(id: string): Promise<void>;
  exec(spec: ExecSpec): Promise<ExecResult>;
  list(): Promise<readonly ProcessInfo[]>;
  /** Gets the output of a process from now on, until the returned function is called. */
  attach(id: string, onOutput: (stream: OutputStream, data: Buffer) => void): Promise<() => void>;
  /** Writes to a process's standard input; `end` closes it. */
  input(id: string, data: Buffer, end: boolean): Promise<void>;
  resize(id: string, columns: number, rows: number): Promise<void>;
  /** Stops every process (SIGTERM, after `graceMs` SIGKILL) and the runtime itself. */
  shutdown(graceMs: number): Promise<void>;
  /** Leaves the runtime and its processes alone. */
  disconnect(): void;
}

/** The runtime of a node, and whom to tell. */
export interface RuntimeClientOptions {
  /** Folder of this node; holds the socket and the runtime's own log. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly onExit: (id: string, exit: ProcessExit) => void;
  /** The runtime died or was killed; its processes are orphans. */
  readonly onLost: () => void;
}

/** Longest path that fits `sockaddr_un` with its terminator. */
const SOCKET_PATH_MAX = 107;
const START_DEADLINE_MS = 10_000;

/** Path of the runtime's socket; a long data directory moves it under the temporary folder. */
function runtimeSocketPath(stateDir: string): string {
  const path = join(stateDir, 'runtime.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path;
  return join(tmpdir(), `fairlead-${createHash('sha256').update(stateDir).digest('hex').slice(0, 16)}.sock`);
}

/** Where Node keeps stripped and compiled sources: a second start of the same program takes 20 ms instead of 80. */
export function compileCacheDir(stateDir: string): string {
  return join(stateDir, 'compile-cache');
}

/** Connects to the running runtime of this node, or starts one. */
export async function connectRuntime(options: RuntimeClientOptions): Promise<RuntimeClient> {
  const path = runtimeSocketPath(options.stateDir);
  const present = await tryConnect(path);
  if (present !== undefined) return createClient(present, options);
  rmSync(path, { force: true });
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const logFd = openSync(join(options.stateDir, 'runtime.log'), 'a', 0o600);
  const main = new URL('./main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--max-old-space-size=128', '--max-semi-space-size=1', main, path], {
    detached: true,
    stdio: ['ignore', logFd, logFd],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compileCacheDir(options.stateDir) },
  });
  let failed: string | undefined;
  child.once('error', (error) => {
    failed = error.message;
  });
  child.once('exit', (code) => {
    failed = `exited with status ${code}`;
  });
  child.unref();
  closeSync(logFd);
  const deadline = options.clock.monotonicMs() + START_DEADLINE_MS;
  for (;;) {
    const socket = await tryConnect(path);
    if (socket !== undefined) return createClient(socket, options);
    if (failed !== undefined || options.clock.monotonicMs() > deadline) {
      throw new Error(`the Pod runtime did not start: ${failed ?? 'no answer'}; see ${options.stateDir}/runtime.log`);
    }
    await options.clock.sleep(5);
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((settle) => {
    const socket = connect(path);
    socket.once('connect', () => settle(socket));
    socket.once('error', () => settle(undefined));
  });
}

function createClient(socket: Socket, options: RuntimeClientOptions): RuntimeClient {
  let seq = 0;
  let left = false;
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, Set<(stream: OutputStream, data: Buffer) => void>>();
  const onLine = (line: string): void => {
    const message = JSON.parse(line) as RuntimeMessage;
    if ('event' in message && message.event === 'output') {
      const data = Buffer.from(message.data, 'base64');
      for (const listener of listeners.get(message.id) ?? []) listener(message.stream, data);
      return;
    }
    if ('event' in message) {
      options.onExit(message.id, message.exit);
      return;
    }
    const pending = waiting.get(message.seq);
    waiting.delete(message.seq);
    if ('error' in message) pending?.reject(new Error(message.error));
    else pending?.resolve(message.answer);
  };
  socket.removeAllListeners('error');
  socket.on('error', () => socket.destroy());
  socket.on('data', createLineSplitter(onLine));
  socket.on('close', () => {
    for (const pending of waiting.values()) pending.reject(new Error('the Pod runtime is gone'));
    waiting.clear();
    if (!left) options.onLost();
  });
  const request = <T>(body: RuntimeRequest): Promise<T> => {
    const id = ++seq;
    return new Promise<T>((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the Pod runtime is gone'));
      waiting.set(id, { resolve: (answer) => resolve(answer as T), reject });
      socket.write(`${JSON.stringify({ seq: id, ...body })}\n`);
    });
  };
  return {
    start: (spec) => request({ op: 'start', spec }),
    signal: (id, signal) => request({ op: 'signal', id, signal }),
    forget: (id) => request({ op: 'forget', id }),
    exec: (spec) => request({ op: 'exec', spec }),
    list: () => request({ op: 'list' }),
    async attach(id, onOutput) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(onOutput));
      await request({ op: 'attach', id });
      return () => {
        own.delete(onOutput);
        if (own.size > 0 || listeners.get(id) !== own) return;
        listeners.delete(id);
        request({ op: 'detach', id }).catch(() => undefined);
      };
    },
    input: (id, data, end) => request({ op: 'input', id, data: data.toString('base64'), end }),
    resize: (id, columns, rows) => request({ op: 'resize', id, columns, rows }),
    async shutdown(graceMs) {
      left = true;
      await request({ op: 'shutdown', graceMs }).catch(() => undefined);
      socket.destroy();
    },
    disconnect() {
      left = true;
      socket.destroy();
    },
  };
}
