import type { Container, EphemeralContainer, Pod } from '@fairlead/api';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** What a container of the Pod is for; decides order and restarts. */
export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral';

/** A finished attempt. */
export interface Ended {
  readonly attempt: number;
  readonly exitCode: number;
  readonly signal: number;
  readonly reason: string;
  readonly message: string;
  /** Milliseconds since the epoch; 0 when it never ran. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** Where a container is. Times are milliseconds since the epoch. */
export type ContainerRun =
  /** Not running; may be started from `notBefore` on. */
  | { readonly phase: 'waiting'; readonly reason: string; readonly message: string; readonly notBefore: number }
  | { readonly phase: 'starting' }
  | {
      readonly phase: 'running';
      readonly pid: number;
      readonly startTicks: string;
      readonly startedAt: number;
      /** The startup probe has passed, or there is none. */
      readonly started: boolean;
      /** The readiness probe passes, or there is none. */
      readonly ready: boolean;
      /** Why it is being stopped; undefined while it should run. */
      readonly stopping: string | undefined;
    }
  /** Over for good. */
  | { readonly phase: 'ended'; readonly end: Ended };

/** One container's record. */
export interface ContainerRecord {
  readonly name: string;
  readonly role: ContainerRole;
  readonly restart: 'Always' | 'OnFailure' | 'Never';
  readonly run: ContainerRun;
  /** The last finished attempt before the present one. */
  readonly last: Ended | undefined;
  /** Number of the present or next attempt; also the restart count. */
  readonly attempt: number;
  /** Delay before the next restart, in milliseconds. */
  readonly backoffMs: number;
}

/** Everything that the agent knows about one Pod; JSON, kept on disk. */
export interface PodState {
  readonly uid: string;
  readonly startTime: number;
  readonly sandbox: Sandbox | undefined;
  /** Why there is no sandbox, for the user. */
  readonly sandboxError: string | undefined;
  /** In starting order: init and sidecar containers, then main containers, then ephemeral ones as they came. */
  readonly containers: readonly ContainerRecord[];
  /** Set when the Pod as a whole was failed by the agent. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
}

/** What can happen to a Pod; {@link PodState} changes by nothing else. */
export type PodEvent =
  | { readonly type: 'sandboxReady'; readonly sandbox: Sandbox }
  | { readonly type: 'sandboxFailed'; readonly message: string }
  | { readonly type: 'sandboxRemoved' }
  /** The ephemeral containers that the Pod has now: more may come, none goes. */
  | { readonly type: 'ephemeral'; readonly containers: readonly EphemeralContainer[] }
  | { readonly type: 'starting'; readonly container: string }
  | {
      readonly type: 'running';
      readonly container: string;
      readonly pid: number;
      readonly startTicks: string;
      readonly startedAt: number;
      readonly started: boolean;
      readonly ready: boolean;
    }
  /** Could not be started for a reason that may go away: retried at `notBefore`. */
  | {
      readonly type: 'blocked';
      readonly container: string;
      readonly reason: string;
      readonly message: string;
      readonly notBefore: number;
    }
  | { readonly type: 'started'; readonly container: string; readonly ready: boolean }
  | { readonly type: 'ready'; readonly container: string; readonly ready: boolean }
  | { readonly type: 'stopping'; readonly container: string; readonly reason: string }
  | {
      readonly type: 'exited';
      readonly container: string;
      readonly exitCode: number;
      readonly signal: number;
      readonly finishedAt: number;
      readonly reason?: string;
      readonly message?: string;
      /** No attempt follows: the Pod is terminating or has failed. */
      readonly final: boolean;
    }
  | { readonly type: 'failed'; readonly reason: string; readonly message: string };

/** First delay of the crash back-off; doubles up to {@link BACKOFF_MAX_MS}. The first restart is immediate. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
/** The reason of a stop because the container's image changed: it starts again whatever its restart policy says. */
export const REDEFINED = 'definition changed';
/** A container that ran this long starts with a clean record. */
const BACKOFF_RESET_MS = 600_000;

/** The state of a Pod that this node has just been given. */
export function newPodState(pod: Pod, now: number): PodState {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const record = (container: Container, role: ContainerRole): ContainerRecord =>
    newRecord(container.name, role, policy);
  return {
    uid: pod.metadata?.uid ?? '',
    startTime: now,
    sandbox: undefined,
    sandboxError: undefined,
    containers: [
      ...(pod.spec?.initContainers ?? []).map((container) =>
        record(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init'),
      ),
      ...(pod.spec?.containers ?? []).map((container) => record(container, 'main')),
      ...(pod.spec?.ephemeralContainers ?? []).map(({ name }) => newRecord(name, 'ephemeral', 'Never')),
    ],
    failure: undefined,
  };
}

function newRecord(name: string, role: ContainerRole, policy: ContainerRecord['restart']): ContainerRecord {
  return {
    name,
    role,
    restart: role === 'sidecar' ? 'Always' : role === 'init' && policy === 'Always' ? 'OnFailure' : policy,
    run: { phase: 'waiting', reason: 'ContainerCreating', message: '', notBefore: 0 },
    last: undefined,
    attempt: 0,
    backoffMs: 0,
  };
}

/** The one place where a Pod's state changes. */
export function reducePod(state: PodState, event: PodEvent): PodState {
  switch (event.type) {
    case 'sandboxReady':
      return { ...state, sandbox: event.sandbox, sandboxError: undefined };
    case 'sandboxFailed':
      return { ...state, sandbox: undefined, sandboxError: event.message };
    case 'sandboxRemoved':
      return { ...state, sandbox: undefined };
    case 'ephemeral': {
      const fresh = event.containers.filter(({ name }) => state.containers.every((record) => record.name !== name));
      const records = fresh.map(({ name }) => newRecord(name, 'ephemeral', 'Never'));
      return fresh.length === 0 ? state : { ...state, containers: [...state.containers, ...records] };
    }
    case 'failed':
      return { ...state, failure: state.failure ?? { reason: event.reason, message: event.message } };
    default:
      return {
        ...state,
        containers: state.containers.map((record) =>
          record.name === event.container ? reduceContainer(record, event) : record,
        ),
      };
  }
}

function reduceContainer(record: ContainerRecord, event: Extract<PodEvent, { container: string }>): ContainerRecord {
  const { run } = record;
  switch (event.type) {
    case 'starting':
      return run.phase === 'waiting' ? { ...record, run: { phase: 'starting' } } : record;
    case 'running': {
      const { pid, startTicks, startedAt, started, ready } = event;
      return { ...record, run: { phase: 'running', pid, startTicks, startedAt, started, ready, stopping: undefined } };
    }
    case 'blocked':
      if (run.phase !== 'starting' && run.phase !== 'waiting') return record;
      return {
        ...record,
        run: { phase: 'waiting', reason: event.reason, message: event.message, notBefore: event.notBefore },
      };
    case 'started':
      return run.phase === 'running' ? { ...record, run: { ...run, started: true, ready: event.ready } } : record;
    case 'ready':
      return run.phase === 'running' ? { ...record, run: { ...run, ready: event.ready } } : record;
    case 'stopping':
      return run.phase === 'running' ? { ...record, run: { ...run, stopping: event.reason } } : record;
    case 'exited':
      return exited(record, event);
  }
}

function exited(record: ContainerRecord, event: Extract<PodEvent, { type: 'exited' }>): ContainerRecord {
  if (record.run.phase === 'ended') return record;
  const startedAt = record.run.phase === 'running' ? record.run.startedAt : 0;
  const end: Ended = {
    attempt: record.attempt,
    exitCode: event.exitCode,
    signal: event.signal,
    reason: event.reason ?? (event.exitCode === 0 ? 'Completed' : 'Error'),
    message: event.message ?? '',
    startedAt,
    finishedAt: event.finishedAt,
  };
  const redefined = record.run.phase === 'running' && record.run.stopping === REDEFINED;
  const again =
    !event.final &&
    (redefined || record.restart === 'Always' || (record.restart === 'OnFailure' && event.exitCode !== 0));
  if (!again) return { ...record, run: { phase: 'ended', end } };
  const ranLong = startedAt > 0 && event.finishedAt - startedAt >= BACKOFF_RESET_MS;
  const delay = ranLong || redefined ? 0 : record.backoffMs;
  return {
    ...record,
    last: end,
    attempt: record.attempt + 1,
    backoffMs: redefined ? record.backoffMs : delay === 0 ? BACKOFF_FIRST_MS : Math.min(delay * 2, BACKOFF_MAX_MS),
    run:
      delay === 0
        ? { phase: 'waiting', reason: 'ContainerCreating', message: '', notBefore: 0 }
        : {
            phase: 'waiting',
            reason: 'CrashLoopBackOff',
            message: `back-off ${delay / 1000}s restarting failed container ${record.name}`,
            notBefore: event.finishedAt + delay,
          },
  };
}
