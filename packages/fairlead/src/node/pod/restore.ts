import type { Pod, Stored } from '@fairlead/api';
import { readStartTicks } from '../runtime/process-table.ts';
import { newPodState, type PodState } from './state.ts';

/** Kills a process group whose parent is gone, unless its number belongs to another process by now. */
export function killOrphan(pid: number, startTicks: string): void {
  if (startTicks === '' || readStartTicks(pid) !== startTicks) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Ended meanwhile.
  }
}

/**
 * The state of a Pod that this node has no record of. A Pod that already ran here keeps its restart counts;
 * one that was over stays over.
 */
export function stateFromStatus(pod: Stored<Pod>, now: number): PodState {
  const state = newPodState(pod, now);
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return {
    ...state,
    startTime: pod.status?.startTime === undefined ? now : Date.parse(pod.status.startTime),
    containers: state.containers.map((record) => {
      const status = statuses.find((candidate) => candidate.name === record.name);
      const ended = status?.state?.terminated;
      const ran = status?.state?.running !== undefined;
      // An ephemeral container runs once.
      if (ended !== undefined || over || (ran && record.role === 'ephemeral')) {
        const end = {
          attempt: status?.restartCount ?? 0,
          exitCode: ended?.exitCode ?? (pod.status?.phase === 'Succeeded' ? 0 : 137),
          signal: ended?.signal ?? 0,
          reason: ended?.reason ?? 'ContainerStatusUnknown',
          message: ended?.message ?? '',
          startedAt: ended?.startedAt === undefined ? 0 : Date.parse(ended.startedAt),
          finishedAt: ended?.finishedAt === undefined ? now : Date.parse(ended.finishedAt),
        };
        return { ...record, attempt: end.attempt, run: { phase: 'ended', end } };
      }
      return { ...record, attempt: (status?.restartCount ?? 0) + (ran ? 1 : 0) };
    }),
  };
}
