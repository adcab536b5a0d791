import type { ContainerRecord, PodState } from './state.ts';

/** What to do next for a Pod. */
export interface PodPlan {
  /** Containers to start now. */
  readonly start: readonly string[];
  /** Containers to stop now (SIGTERM, later SIGKILL). */
  readonly stop: readonly string[];
  /** When to plan again although nothing happened; milliseconds since the epoch. */
  readonly wakeAt: number | undefined;
  /** All init containers are done; sidecars among them have started. */
  readonly initialized: boolean;
  /** Nothing runs and nothing will. */
  readonly over: boolean;
}

/** True for a container whose process may exist. */
function active(record: ContainerRecord): boolean {
  return record.run.phase === 'running' || record.run.phase === 'starting';
}

/**
 * Decides the next steps, without side effects.
 *
 * Cases, in order:
 *  1. The Pod goes away (`ending`) or has failed: stop main containers, then sidecars in reverse order.
 *  2. An init container failed for good: as 1.
 *  3. Init containers one after the other; a sidecar holds up the next only until it has started.
 *  4. Main containers all at once.
 *  5. All main containers ended for good: stop the ephemeral ones, and the sidecars in reverse order.
 *
 * Ephemeral containers start as they come, whatever the others do, and once.
 */
export function planPod(state: PodState, ending: boolean, now: number): PodPlan {
  const mains = state.containers.filter((record) => record.role === 'main');
  const before = state.containers.filter((record) => record.role === 'init' || record.role === 'sidecar');
  const ephemeral = state.containers.filter((record) => record.role === 'ephemeral');
  const initFailed = before.some(
    (record) => record.role === 'init' && record.run.phase === 'ended' && record.run.end.exitCode !== 0,
  );
  const initialized = before.every(isPast);
  if (ending || state.failure !== undefined || initFailed)
    return planStop([...mains, ...ephemeral], before, initialized);

  const start: string[] = [];
  let wakeAt: number | undefined;
  const consider = (record: ContainerRecord): void => {
    if (record.run.phase !== 'waiting') return;
    if (record.run.notBefore <= now) start.push(record.name);
    else wakeAt = Math.min(wakeAt ?? record.run.notBefore, record.run.notBefore);
  };
  if (state.sandbox === undefined) return { start: [], stop: [], wakeAt: undefined, initialized, over: false };
  for (const record of ephemeral) consider(record);
  let open = true;
  for (const record of before) {
    if (open || (record.role === 'sidecar' && record.attempt > 0)) consider(record);
    open &&= isPast(record);
  }
  if (!open) return { start, stop: [], wakeAt, initialized, over: false };
  if (mains.every((record) => record.run.phase === 'ended')) return planStop(ephemeral, before, initialized);
  for (const record of mains) consider(record);
  return { start, stop: [], wakeAt, initialized, over: false };
}

/** An init container that no longer holds up the next one. */
function isPast(record: ContainerRecord): boolean {
  if (record.role === 'sidecar') {
    return (
      (record.run.phase === 'running' && record.run.started) || (record.run.phase !== 'running' && record.attempt > 0)
    );
  }
  return record.run.phase === 'ended' && record.run.end.exitCode === 0;
}

function planStop(
  mains: readonly ContainerRecord[],
  before: readonly ContainerRecord[],
  initialized: boolean,
): PodPlan {
  const stop: string[] = [];
  const ask = (record: ContainerRecord): void => {
    if (record.run.phase === 'running' && record.run.stopping === undefined) stop.push(record.name);
  };
  const inits = before.filter((record) => record.role === 'init');
  const sidecars = before.filter((record) => record.role === 'sidecar').reverse();
  for (const record of [...mains, ...inits]) ask(record);
  const running = [...mains, ...inits].some(active);
  // One sidecar at a time, the last one first; it may serve those before it.
  if (!running) {
    const next = sidecars.find(active);
    if (next !== undefined) ask(next);
  }
  const over = !running && !sidecars.some(active);
  return { start: [], stop, wakeAt: undefined, initialized, over };
}
