import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '@fairlead/api';
import { containerIn } from './containers.ts';
import { planPod } from './plan.ts';
import type { ContainerRecord, Ended, PodState } from './state.ts';

/** What a status needs beyond the Pod and its state. */
export interface StatusFacts {
  /** One per family, the preferred one first. */
  readonly nodeIps: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly ending: boolean;
}

/** RFC 3339 in whole seconds, as Kubernetes writes `Time`. */
export function kubeTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The id of a container attempt, in the form `runtime://id`. */
function containerId(uid: string, name: string, attempt: number): string {
  return `fairlead://${uid}/${name}/${attempt}`;
}

/** The status that this node reports for a Pod. Pure: equal inputs give equal status. */
export function podStatus(pod: Pod, state: PodState, facts: StatusFacts): PodStatus {
  const plan = planPod(state, facts.ending, facts.now);
  const mains = state.containers.filter((record) => record.role === 'main');
  const inits = state.containers.filter((record) => record.role === 'init' || record.role === 'sidecar');
  const ephemeral = state.containers.filter((record) => record.role === 'ephemeral');
  const phase = podPhase(pod, state, mains, plan.initialized);
  const statusOf = (record: ContainerRecord): ContainerStatus =>
    containerStatus(state, record, containerIn(pod, record.name), plan.initialized);
  const status: PodStatus = {
    phase,
    conditions: podConditions(pod, state, phase, plan.initialized, facts.now),
    ...(facts.nodeIps[0] === undefined ? {} : { hostIP: facts.nodeIps[0] }),
    hostIPs: facts.nodeIps.map((ip) => ({ ip })),
    startTime: kubeTime(state.startTime),
    containerStatuses: mains.map(statusOf),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
  if (pod.metadata?.generation !== undefined) status.observedGeneration = pod.metadata.generation;
  if (inits.length > 0) status.initContainerStatuses = inits.map(statusOf);
  if (ephemeral.length > 0) status.ephemeralContainerStatuses = ephemeral.map(statusOf);
  const [podIp] = state.sandbox?.podIps ?? [];
  if (podIp !== undefined) {
    status.podIP = podIp;
    status.podIPs = state.sandbox?.podIps.map((ip) => ({ ip })) ?? [];
  }
  if (state.failure !== undefined) {
    status.reason = state.failure.reason;
    status.message = state.failure.message;
  }
  return status;
}

function podPhase(
  pod: Pod,
  state: PodState,
  mains: readonly ContainerRecord[],
  initialized: boolean,
): 'Failed' | 'Pending' | 'Running' | 'Succeeded' {
  // A phase that says "over" is never taken back.
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return pod.status.phase;
  if (state.failure !== undefined) return 'Failed';
  const failedInit = state.containers.some(
    (record) => record.role === 'init' && record.run.phase === 'ended' && record.run.end.exitCode !== 0,
  );
  if (failedInit) return 'Failed';
  if (mains.length > 0 && mains.every((record) => record.run.phase === 'ended')) {
    return mains.every((record) => record.run.phase === 'ended' && record.run.end.exitCode === 0)
      ? 'Succeeded'
      : 'Failed';
  }
  if (!initialized && mains.every((record) => record.attempt === 0 && record.run.phase === 'waiting')) return 'Pending';
  const neverRan = (record: ContainerRecord): boolean =>
    (record.run.phase === 'waiting' || record.run.phase === 'starting') && record.last === undefined;
  return mains.some(neverRan) ? 'Pending' : 'Running';
}

function ended(uid: string, name: string, end: Ended): ContainerState {
  return {
    terminated: {
      exitCode: end.exitCode,
      ...(end.signal === 0 ? {} : { signal: end.signal }),
      reason: end.reason,
      ...(end.message === '' ? {} : { message: end.message }),
      ...(end.startedAt === 0 ? {} : { startedAt: kubeTime(end.startedAt) }),
      finishedAt: kubeTime(end.finishedAt),
      containerID: containerId(uid, name, end.attempt),
    },
  };
}

function containerStatus(
  state: PodState,
  record: ContainerRecord,
  container: Container | undefined,
  initialized: boolean,
): ContainerStatus {
  const { run, name, attempt } = record;
  const image = container?.image ?? '';
  const status: ContainerStatus = {
    name,
    ready: isReady(record),
    started: (run.phase === 'running' && run.started) || false,
    restartCount: attempt,
    image,
    imageID: image === '' ? '' : `fairlead://${image}`,
    lastState: record.last === undefined ? {} : ended(state.uid, name, record.last),
    state: {},
  };
  switch (run.phase) {
    case 'running':
      status.state = { running: { startedAt: kubeTime(run.startedAt) } };
      status.containerID = containerId(state.uid, name, attempt);
      break;
    case 'ended':
      status.state = ended(state.uid, name, run.end);
      status.containerID = containerId(state.uid, name, run.end.attempt);
      break;
    case 'starting':
      status.state = { waiting: { reason: 'ContainerCreating' } };
      break;
    case 'waiting': {
      const held = record.role === 'main' && !initialized && record.attempt === 0;
      const message = run.message || (state.sandboxError ?? '');
      status.state = {
        waiting: { reason: held ? 'PodInitializing' : run.reason, ...(message === '' ? {} : { message }) },
      };
      break;
    }
  }
  return status;
}

/** A container counts as ready while it runs and its probe passes; an init container once it succeeded. */
function isReady(record: ContainerRecord): boolean {
  if (record.role === 'init') return record.run.phase === 'ended' && record.run.end.exitCode === 0;
  // Never asked.
  if (record.role === 'ephemeral') return false;
  return record.run.phase === 'running' && record.run.started && record.run.ready;
}

function podConditions(pod: Pod, state: PodState, phase: string, initialized: boolean, now: number): PodCondition[] {
  const over = phase === 'Succeeded' || phase === 'Failed';
  const waited = state.containers.filter((record) => record.role === 'main' || record.role === 'sidecar');
  const unready = waited.filter((record) => !isReady(record)).map((record) => record.name);
  const incomplete = state.containers
    .filter(({ role }) => role === 'init' || role === 'sidecar')
    .filter((record) => !(record.role === 'init' ? isReady(record) : isStarted(record)))
    .map((record) => record.name);
  type Verdict = { status: 'True' | 'False'; reason?: string; message?: string };
  const containersReady: Verdict = over
    ? { status: 'False', reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : unready.length === 0
      ? { status: 'True' }
      : {
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${unready.join(' ')}]`,
        };
  const wanted: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: state.sandbox === undefined ? 'False' : 'True' }],
    [
      'Initialized',
      initialized || phase === 'Succeeded'
        ? { status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
        : {
            status: 'False',
            reason: 'ContainersNotInitialized',
            message: `containers with incomplete status: [${incomplete.join(' ')}]`,
          },
    ],
    ['Ready', containersReady.status === 'True' ? gateVerdict(pod) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  return wanted.map(([type, verdict]) => {
    const before = pod.status?.conditions?.find((condition) => condition.type === type);
    return {
      type,
      ...verdict,
      lastTransitionTime:
        before?.status === verdict.status ? (before.lastTransitionTime ?? kubeTime(now)) : kubeTime(now),
    };
  });
}

function isStarted(record: ContainerRecord): boolean {
  return record.run.phase === 'running' && record.run.started;
}

function gateVerdict(pod: Pod): { status: 'True' | 'False'; reason?: string; message?: string } {
  const problems: string[] = [];
  for (const gate of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((candidate) => candidate.type === gate.conditionType);
    if (condition === undefined) {
      problems.push(`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`);
    } else if (condition.status !== 'True') {
      problems.push(`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (problems.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function qosClass(pod: Pod): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const some = containers.some(
    ({ resources }) =>
      Object.keys(resources?.requests ?? {}).length > 0 || Object.keys(resources?.limits ?? {}).length > 0,
  );
  if (!some) return 'BestEffort';
  const all = containers.every(({ resources }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return all ? 'Guaranteed' : 'Burstable';
}
