import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import type { ChildMessage, ParentMessage } from './role-process.ts';

/** One child process: a role of this program. */
export interface ChildSpec {
  /** Unique: `control`, `agent/node-1`, `gateway`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Children of a lower rank are started first and stopped last. */
  readonly rank: number;
}

/** Facts that children reported when they became ready, by child name. */
export type ReadyFacts = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Children under way. */
export interface Supervisor extends Running {
  /** Resolves when every child has been ready once; rejects on a fatal error before that. */
  readonly ready: Promise<ReadyFacts>;
  /** Kills what has not stopped yet: for somebody who does not want to wait for {@link stop} any longer. */
  kill(): void;
  /** Present state of every child, for the admin page. */
  children(): readonly { readonly name: string; readonly pid: number | undefined; readonly state: ChildState }[];
}

/** loading → starting → ready → (exit) waiting → loading …; stopping → stopped. */
export type ChildState = 'loading' | 'starting' | 'ready' | 'waiting' | 'stopping' | 'stopped';

/** Delay before the n-th restart in a row: at once, then doubling from 200 ms to 5 s. */
export function restartDelayMs(restartsInARow: number): number {
  return restartsInARow === 0 ? 0 : Math.min(5000, 200 * 2 ** (restartsInARow - 1));
}

/** A child that ran this long starts again without delay. */
const stableMs = 10_000;
/** A rank that has not stopped by then is killed: it hangs. One that is only slow would leave rules and links behind. */
const stopDeadlineMs = 15_000;

interface Child {
  readonly spec: ChildSpec;
  state: ChildState;
  process: ChildProcess | undefined;
  startedAtMs: number;
  restarts: number;
  everReady: boolean;
  cancelRestart: (() => void) | undefined;
  exited: PromiseWithResolvers<void>;
}

/** What a supervisor looks after. */
export interface SupervisorOptions {
  readonly children: readonly ChildSpec[];
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Starts children by rank, restarts any that ends, and stops them in reverse.
 *
 * All children load their code at once; a rank is told to start when every
 * child of the ranks below has been ready once. Later restarts wait for nobody.
 */
export function startSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, log } = options;
  const facts = new Map<string, Readonly<Record<string, string>>>();
  const ready = Promise.withResolvers<ReadyFacts>();
  ready.promise.catch(() => {});
  let stopping: Promise<void> | undefined;
  const children = options.children.map(
    (spec): Child => ({
      spec,
      state: 'loading',
      process: undefined,
      startedAtMs: 0,
      restarts: 0,
      everReady: false,
      cancelRestart: undefined,
      exited: Promise.withResolvers<void>(),
    }),
  );
  const mayStart = (child: Child): boolean =>
    children.every((other) => other.spec.rank >= child.spec.rank || other.everReady);

  const send = (child: Child, message: ParentMessage): void => {
    if (child.process?.connected === true) child.process.send(message, () => {});
  };
  const startWaiting = (): void => {
    for (const child of children) {
      if (child.state === 'loading' && child.process !== undefined && mayStart(child)) {
        child.state = 'starting';
        send(child, { type: 'start' });
      }
    }
  };
  const onMessage = (child: Child, message: ChildMessage): void => {
    switch (message.type) {
      case 'loaded':
        startWaiting();
        return;
      case 'ready':
        if (child.state === 'stopping') return;
        child.state = 'ready';
        child.everReady = true;
        facts.set(child.spec.name, message.facts);
        startWaiting();
        if (children.every((other) => other.everReady)) ready.resolve(facts);
        return;
      case 'fatal':
        // Before the first readiness a restart would only repeat the failure; the owner tells the user.
        if (!child.everReady) ready.reject(new Error(message.message));
        else log('error', message.message, { role: child.spec.name });
    }
  };
  const onExit = (child: Child, code: number | null, signal: string | null): void => {
    child.process = undefined;
    child.exited.resolve();
    if (stopping !== undefined) {
      child.state = 'stopped';
      return;
    }
    if (clock.monotonicMs() - child.startedAtMs > stableMs) child.restarts = 0;
    const delayMs = restartDelayMs(child.restarts++);
    log('warn', 'role ended, starting it again', { role: child.spec.name, code, signal, delayMs });
    child.state = 'waiting';
    child.cancelRestart = clock.after(delayMs, () => run(child));
  };
  const run = (child: Child): void => {
    const { spec } = child;
    child.state = 'loading';
    child.startedAtMs = clock.monotonicMs();
    child.exited = Promise.withResolvers<void>();
    const started = spawn(spec.command, [...spec.args], {
      env: spec.env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A group of its own, so that Ctrl-C reaches only the supervisor and stopping keeps its order.
      detached: true,
    });
    child.process = started;
    started.on('message', (message) => onMessage(child, message as ChildMessage));
    started.on('error', (error) => {
      log('error', 'cannot start role', { role: spec.name, error: error.message });
      if (started.pid === undefined) onExit(child, null, null);
    });
    started.on('exit', (code, signal) => onExit(child, code, signal));
  };
  const stopRank = async (rank: number): Promise<void> => {
    const group = children.filter((child) => child.spec.rank === rank);
    const cancels: (() => void)[] = [];
    await Promise.all(
      group.map((child) => {
        child.cancelRestart?.();
        const { process } = child;
        if (process === undefined) {
          child.state = 'stopped';
          return undefined;
        }
        child.state = 'stopping';
        send(child, { type: 'stop' });
        process.kill('SIGTERM');
        cancels.push(
          clock.after(stopDeadlineMs, () => {
            log('warn', 'role did not stop in time, killing it', { role: child.spec.name });
            process.kill('SIGKILL');
          }),
        );
        return child.exited.promise;
      }),
    );
    for (const cancel of cancels) cancel();
  };
  const stop = async (): Promise<void> => {
    const ranks = [...new Set(children.map((child) => child.spec.rank))].sort((a, b) => b - a);
    for (const rank of ranks) await stopRank(rank);
  };
  for (const child of children) run(child);
  return {
    ready: ready.promise,
    kill() {
      for (const { process } of children) process?.kill('SIGKILL');
    },
    children: () => children.map(({ spec, process, state }) => ({ name: spec.name, pid: process?.pid, state })),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
