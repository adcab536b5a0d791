import type { Container, ContainerStatus, Pod } from '../types.ts';
import { ageOf, NONE, nameOf, sinceText } from './cells.ts';

/** NAME READY STATUS RESTARTS AGE IP NODE NOMINATED-NODE READINESS-GATES */
export function podCells(pod: Pod, nowMs: number): unknown[] {
  const summary = summarizePod(pod);
  const { restarts, lastRestart } = summary;
  return [
    nameOf(pod),
    `${summary.ready}/${summary.total}`,
    summary.reason,
    restarts > 0 && lastRestart !== '' ? `${restarts} (${sinceText(lastRestart, nowMs)} ago)` : String(restarts),
    ageOf(pod, nowMs),
    pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || NONE,
    pod.spec?.nodeName || NONE,
    pod.status?.nominatedNodeName || NONE,
    gatesText(pod),
  ];
}

/** What the READY, STATUS and RESTARTS columns say. */
export interface PodSummary {
  readonly ready: number;
  /** Containers and sidecars. */
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** RFC 3339 time of the last restart, empty without one. */
  readonly lastRestart: string;
}

/** Counts of restarts and ready containers, while walking a Pod's statuses. */
interface Tally {
  ready: number;
  restarts: number;
  lastRestart: string;
}

/**
 * The one-word state of a Pod. In order of precedence: `Terminating`; a reason of
 * the Pod itself; the first init container that is not done (`Init:1/2`,
 * `Init:CrashLoopBackOff`); the first container that waits or has ended
 * (`CrashLoopBackOff`, `Completed`); the phase.
 */
function summarizePod(pod: Pod): PodSummary {
  const { spec, status } = pod;
  const conditions = status?.conditions ?? [];
  const isTrue = (type: string): boolean => conditions.some((c) => c.type === type && c.status === 'True');
  const sidecars = (spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  let reason: string = status?.reason || status?.phase || '';
  if (conditions.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')) reason = 'SchedulingGated';

  const initial: Tally = { ready: 0, restarts: 0, lastRestart: '' };
  const ofSidecars: Tally = { ready: 0, restarts: 0, lastRestart: '' };
  const waiting = initReason(status?.initContainerStatuses ?? [], spec?.initContainers ?? [], initial, ofSidecars);
  let tally = initial;
  if (waiting !== undefined) reason = waiting;
  if (waiting === undefined || isTrue('Initialized')) {
    tally = { ...ofSidecars, ready: initial.ready };
    const { latest, running } = containerReason(status?.containerStatuses ?? [], reason, tally);
    reason = latest === 'Completed' && running ? (isTrue('Ready') ? 'Running' : 'NotReady') : latest;
  }
  if (pod.metadata?.deletionTimestamp) {
    const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    if (status?.reason === 'NodeLost') reason = 'Unknown';
    else if (!ended) reason = 'Terminating';
  }
  return { ...tally, total: (spec?.containers?.length ?? 0) + sidecars.length, reason };
}

function count(tally: Tally, status: ContainerStatus): void {
  tally.restarts += status.restartCount ?? 0;
  const finished = status.lastState?.terminated?.finishedAt;
  if (finished && finished > tally.lastRestart) tally.lastRestart = finished;
}

/** Why the Pod is still initialising, or `undefined` when it is not. */
function initReason(
  statuses: readonly ContainerStatus[],
  containers: readonly Container[],
  all: Tally,
  ofSidecars: Tally,
): string | undefined {
  for (const [index, status] of statuses.entries()) {
    const sidecar = containers.some((c) => c.name === status.name && c.restartPolicy === 'Always');
    count(all, status);
    if (sidecar) count(ofSidecars, status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) all.ready++;
      continue;
    }
    if (terminated !== undefined) return `Init:${terminated.reason || endText(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${index}/${containers.length}`;
  }
  return undefined;
}

function endText(terminated: { readonly exitCode: number; readonly signal?: number | undefined }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function containerReason(
  statuses: readonly ContainerStatus[],
  phase: string,
  tally: Tally,
): { readonly latest: string; readonly running: boolean } {
  let latest = phase;
  let running = false;
  for (const status of [...statuses].reverse()) {
    count(tally, status);
    const { terminated, waiting } = status.state ?? {};
    if (waiting?.reason) latest = waiting.reason;
    else if (terminated?.reason) latest = terminated.reason;
    else if (terminated !== undefined) latest = endText(terminated);
    else if (status.ready && status.state?.running !== undefined) {
      running = true;
      tally.ready++;
    }
  }
  return { latest, running };
}

function gatesText({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const passed = gates.filter((gate) =>
    status?.conditions?.some((condition) => condition.type === gate.conditionType && condition.status === 'True'),
  );
  return `${passed.length}/${gates.length}`;
}
