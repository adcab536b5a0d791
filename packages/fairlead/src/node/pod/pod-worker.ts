import type { Container, Pod, Probe, Stored } from '@fairlead/api';
import type { PodFacts } from '../environment/field-ref.ts';
import type { ProbeOutcome } from '../probes/run-probe.ts';
import type { ProcessExit, ProcessInfo } from '../runtime/protocol.ts';
import { createPodVolumes } from '../volumes/pod-volumes.ts';
import { type ContainerProbes, startContainerProbes, startupProbeOf } from './container-probes.ts';
import { about, asReported, containerIn, redefinedContainers } from './containers.ts';
import { deletePodObject } from './delete-object.ts';
import { execInContainer } from './exec-in-container.ts';
import { runHook } from './hooks.ts';
import { enterContainer, prepareLaunch, processId } from './launch.ts';
import { planPod } from './plan.ts';
import { watchDeadline } from './pod-deadline.ts';
import { killOrphan, stateFromStatus } from './restore.ts';
import { problemEvent, startProblem } from './start-problem.ts';
import { type ContainerRecord, type PodEvent, REDEFINED, reducePod } from './state.ts';
import { podStatus } from './status.ts';
import { createStatusWriter } from './status-writer.ts';
import type { WorkerContext } from './worker-context.ts';
import type { PodWorker, RunningContainer } from './worker-contract.ts';

/** How long a container that cannot be created waits before the next attempt. */
const BLOCKED_RETRY_MS = 2000;
const SANDBOX_RETRY_MS = 1000;
/** A preStop hook that used up the grace period leaves this much for SIGTERM. */
const MIN_TERM_MS = 2000;

/** Starts a worker; `processes` are those that the runtime already has of this Pod. */
export function startPodWorker(
  context: WorkerContext,
  first: Stored<Pod>,
  processes: readonly ProcessInfo[],
): PodWorker {
  const { clock, store, recorder, sandboxes } = context;
  const uid = first.metadata.uid;
  const log = context.log;
  const key = `${first.metadata.namespace}/${first.metadata.name}`;
  let pod = first;
  let state = store.load(uid) ?? stateFromStatus(first, clock.now());
  let absent = false;
  let detached = false;
  let finished = false;
  let sandboxReleased = state.sandbox === undefined;
  let cancelWake: () => void = () => {};
  let sandboxRetryAt = 0;
  const probes = new Map<string, ContainerProbes>();
  const killTimers = new Map<string, () => void>();
  /** Who waits for the end of a container attempt, by process id. */
  const endings = new Map<string, (() => void)[]>();
  const earlyExits = new Map<string, { attempt: number; exit: ProcessExit }>();
  const { source, configWatch: watch } = context;
  const volumes = createPodVolumes({
    podDir: store.podDir(uid),
    source,
    watch,
    clock,
    log,
    onAppeared: () => retryBlocked(),
  });
  const writer = createStatusWriter(context.client, clock, log, first);
  let markGone: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    markGone = resolve;
  });

  const isEnding = (): boolean => absent || pod.metadata.deletionTimestamp !== undefined;
  const containerOf = (name: string): Container => containerIn(pod, name)!;
  const recordOf = (name: string): ContainerRecord => state.containers.find((record) => record.name === name)!;
  const dispatch = (event: PodEvent): void => {
    const before = state;
    state = reducePod(state, event);
    if (state === before || detached || finished) return;
    store.save(state);
    publish();
    void sync();
  };
  const publish = (): void => {
    if (absent || detached) return;
    const facts = { nodeIps: context.nodeIps, now: clock.now(), ending: isEnding() };
    writer.offer(podStatus(writer.withOwnStatus(pod), state, facts));
  };

  let busy = false;
  let again = false;
  const sync = async (): Promise<void> => {
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again && !detached && !finished) {
        again = false;
        await step();
      }
    } catch (error) {
      log('error', 'Pod worker failed; trying again', { pod: key, error: (error as Error).stack });
      wakeAt(clock.now() + SANDBOX_RETRY_MS);
    } finally {
      busy = false;
    }
  };
  const wakeAt = (at: number): void => {
    cancelWake();
    cancelWake = clock.after(Math.max(0, at - clock.now()), () => void sync());
  };

  const step = async (): Promise<void> => {
    cancelWake();
    if (!isEnding()) dispatch({ type: 'ephemeral', containers: pod.spec?.ephemeralContainers ?? [] });
    const plan = planPod(state, isEnding(), clock.now());
    for (const name of plan.stop) void stopContainer(name, 'terminating');
    if (plan.over) return isEnding() ? finish() : releaseSandbox();
    if (isEnding()) return;
    if (state.sandbox === undefined) return createSandbox();
    for (const name of plan.start) void startContainer(name);
    if (plan.wakeAt !== undefined) wakeAt(plan.wakeAt);
  };

  const createSandbox = async (): Promise<void> => {
    if (clock.now() < sandboxRetryAt) return wakeAt(sandboxRetryAt);
    store.save(state);
    try {
      const sandbox = await sandboxes.create(pod);
      sandboxReleased = false;
      dispatch({ type: 'sandboxReady', sandbox });
    } catch (error) {
      const message = (error as Error).message;
      sandboxRetryAt = clock.now() + SANDBOX_RETRY_MS;
      recorder.record(pod, 'Warning', 'FailedCreatePodSandBox', message, { kind: 'Pod', apiVersion: 'v1' });
      dispatch({ type: 'sandboxFailed', message });
    }
  };

  /** A Pod that is over keeps its record and its logs, not its namespace and address. */
  const releaseSandbox = async (): Promise<void> => {
    if (sandboxReleased || state.sandbox === undefined) return;
    sandboxReleased = true;
    await sandboxes.remove(state.sandbox);
  };

  const finish = async (): Promise<void> => {
    for (const probe of probes.values()) probe.stop();
    volumes.stop();
    await releaseSandbox();
    if (!absent) {
      publish();
      await writer.flush();
      await deletePodObject(context, pod, () => absent || detached);
    }
    if (detached) return;
    finished = true;
    writer.stop();
    store.remove(uid);
    markGone();
  };

  const facts = (): PodFacts => ({
    podIps: state.sandbox?.podIps ?? [],
    nodeIps: context.nodeIps,
    nodeName: context.nodeName,
  });

  const startContainer = async (name: string): Promise<void> => {
    const { attempt } = recordOf(name);
    dispatch({ type: 'starting', container: name });
    const container = containerOf(name);
    const sandbox = state.sandbox!;
    const block = (reason: string, message: string): void => {
      const known = recordOf(name).run;
      if (known.phase !== 'waiting' || known.message !== message) {
        recorder.record(pod, 'Warning', problemEvent(reason), message, about(name));
      }
      dispatch({ type: 'blocked', container: name, reason, message, notBefore: clock.now() + BLOCKED_RETRY_MS });
    };
    try {
      await volumes.prepare(pod, facts());
      const launch = await prepareLaunch(context, pod, container, attempt, sandbox);
      if (!launch.ok) return block(launch.reason, launch.message);
      if (isEnding())
        return dispatch({ type: 'blocked', container: name, reason: 'ContainerCreating', message: '', notBefore: 0 });
      const result = await context.runtime().start(launch.spec);
      if (!result.ok) {
        recorder.record(pod, 'Warning', 'Failed', result.message, about(name));
        const now = clock.now();
        const message = result.message;
        return dispatch({
          type: 'exited',
          container: name,
          exitCode: 128,
          signal: 0,
          finishedAt: now,
          reason: 'StartError',
          message,
          final: isEnding(),
        });
      }
      recorder.record(pod, 'Normal', 'Started', `Started container ${name}`, about(name));
      await afterStart(container, result.info, launch.impliedStartupPort);
    } catch (error) {
      const { reason, message } = startProblem(error);
      block(reason, message);
    }
  };

  const afterStart = async (
    container: Container,
    info: ProcessInfo,
    impliedPort: number | undefined,
  ): Promise<void> => {
    const { name } = container;
    const gated = startupProbeOf(container, impliedPort) !== undefined;
    const postStart = container.lifecycle?.postStart;
    dispatch({
      type: 'running',
      container: name,
      pid: info.pid,
      startTicks: info.startTicks,
      startedAt: info.startedAt,
      started: !gated && postStart === undefined,
      ready: container.readinessProbe === undefined,
    });
    const early = earlyExits.get(name);
    earlyExits.delete(name);
    if (early !== undefined) return exited(name, early.attempt, early.exit);
    if (postStart !== undefined) {
      const outcome = await runHook(postStart, graceMs(), hookTarget(container));
      if (!outcome.ok) {
        recorder.record(pod, 'Warning', 'FailedPostStartHook', outcome.detail, about(name));
        return stopContainer(name, 'postStart hook failed');
      }
      if (!gated) dispatch({ type: 'started', container: name, ready: container.readinessProbe === undefined });
    }
    watchContainer(container, impliedPort, false);
  };

  const watchContainer = (container: Container, impliedPort: number | undefined, alreadyStarted: boolean): void => {
    const { name } = container;
    if (recordOf(name).run.phase !== 'running') return;
    probes.get(name)?.stop();
    probes.set(
      name,
      startContainerProbes({
        container,
        podIp: state.sandbox?.podIps[0] ?? '',
        clock,
        alreadyStarted,
        impliedStartupPort: impliedPort,
        exec: (command, timeoutMs) => execIn(container, command, timeoutMs),
        onStarted: () => dispatch({ type: 'started', container: name, ready: container.readinessProbe === undefined }),
        onReady: (ready) => dispatch({ type: 'ready', container: name, ready }),
        onFailure: (kind, detail) =>
          recorder.record(pod, 'Warning', 'Unhealthy', `${kind} probe failed: ${detail}`, about(name)),
        onUnhealthy: (kind, probe) => {
          const message = `Container ${name} failed ${kind.toLowerCase()} probe, will be restarted`;
          recorder.record(pod, 'Normal', 'Killing', message, about(name));
          void stopContainer(name, `${kind} probe failed`, probe);
        },
      }),
    );
    if (isEnding()) probes.get(name)!.onlyReadiness();
  };

  const execIn = (container: Container, command: readonly string[], timeoutMs: number): Promise<ProbeOutcome> =>
    execInContainer(context, pod, container, state.sandbox, command, timeoutMs);
  const hookTarget = (container: Container): Parameters<typeof runHook>[2] => ({
    podIp: state.sandbox?.podIps[0] ?? '',
    container,
    clock,
    exec: (command, timeoutMs) => execIn(container, command, timeoutMs),
  });

  const graceMs = (): number => {
    if (absent) return 0;
    const seconds = isEnding()
      ? (pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds)
      : pod.spec?.terminationGracePeriodSeconds;
    return (seconds ?? 30) * 1000;
  };
  const signal = (name: string, signalName: NodeJS.Signals): void => {
    const id = processId(uid, name, recordOf(name).attempt);
    context
      .runtime()
      .signal(id, signalName)
      .catch(() => undefined);
  };

  const stopContainer = async (name: string, reason: string, probe?: Probe): Promise<void> => {
    const { run, attempt } = recordOf(name);
    if (run.phase !== 'running' || run.stopping !== undefined) return;
    dispatch({ type: 'stopping', container: name, reason });
    const container = containerOf(name);
    const grace =
      probe?.terminationGracePeriodSeconds === undefined ? graceMs() : probe.terminationGracePeriodSeconds * 1000;
    const begun = clock.monotonicMs();
    const preStop = container.lifecycle?.preStop;
    if (preStop !== undefined && grace > 0) {
      const outcome = await runHook(preStop, grace, hookTarget(container));
      if (!outcome.ok) recorder.record(pod, 'Warning', 'FailedPreStopHook', outcome.detail, about(name));
    }
    const still = recordOf(name);
    if (still.run.phase !== 'running' || still.attempt !== attempt) return;
    if (grace === 0) return signal(name, 'SIGKILL');
    signal(name, (container.lifecycle?.stopSignal as NodeJS.Signals | undefined) ?? 'SIGTERM');
    const left = Math.max(grace - (clock.monotonicMs() - begun), preStop === undefined ? 0 : MIN_TERM_MS);
    killTimers.get(name)?.();
    killTimers.set(
      name,
      clock.after(left, () => signal(name, 'SIGKILL')),
    );
  };

  const exited = (name: string, attempt: number, exit: ProcessExit): void => {
    const record = state.containers.find((candidate) => candidate.name === name);
    if (record === undefined || record.attempt !== attempt || finished) return;
    if (record.run.phase === 'starting') {
      earlyExits.set(name, { attempt, exit });
      return;
    }
    if (record.run.phase !== 'running') return;
    probes.get(name)?.stop();
    probes.delete(name);
    killTimers.get(name)?.();
    killTimers.delete(name);
    const id = processId(uid, name, attempt);
    for (const resolve of endings.get(id) ?? []) resolve();
    endings.delete(id);
    const final = isEnding() || state.failure !== undefined;
    dispatch({ type: 'exited', container: name, final, ...exit });
    const after = recordOf(name).run;
    if (after.phase === 'waiting' && after.reason === 'CrashLoopBackOff') {
      recorder.record(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name}`, about(name));
    }
    context
      .runtime()
      .forget(processId(uid, name, attempt))
      .catch(() => undefined);
  };

  /** After a restart of the agent: takes over what the runtime still has. */
  const adopt = async (): Promise<void> => {
    const over = planPod(state, isEnding(), clock.now()).over;
    if (over) sandboxReleased = true;
    else if (state.sandbox !== undefined && !(await sandboxes.adopt(state.sandbox))) {
      log('warn', 'the Pod lost its sandbox; its containers start again', { pod: key });
      for (const info of processes)
        context
          .runtime()
          .signal(info.id, 'SIGKILL')
          .catch(() => undefined);
      await sandboxes.remove({ ...state.sandbox, podIps: [] });
      sandboxReleased = true;
      state = reducePod(state, { type: 'sandboxRemoved' });
    }
    if (!over && state.containers.some((record) => record.run.phase === 'running')) volumes.resume(pod, facts());
    const byId = new Map(processes.map((info) => [info.id, info]));
    for (const record of state.containers) {
      const info = byId.get(processId(uid, record.name, record.attempt));
      if (record.run.phase === 'starting' && info === undefined) {
        dispatch({ type: 'blocked', container: record.name, reason: 'ContainerCreating', message: '', notBefore: 0 });
      } else if (record.run.phase === 'starting') {
        await afterStart(containerOf(record.name), info!, undefined);
      } else if (record.run.phase === 'running') {
        if (info === undefined) lostContainer(record);
        else if (info.exit !== undefined) exited(record.name, record.attempt, info.exit);
        else watchContainer(containerOf(record.name), undefined, record.run.started);
      }
    }
    restartRedefined(asReported(pod, state));
  };

  /** The runtime does not know it: it is gone, or an orphan that has to go. */
  const lostContainer = (record: ContainerRecord): void => {
    if (record.run.phase !== 'running') return;
    const { pid, startTicks } = record.run;
    killOrphan(pid, startTicks);
    probes.get(record.name)?.stop();
    dispatch({
      type: 'exited',
      container: record.name,
      exitCode: 137,
      signal: 9,
      finishedAt: clock.now(),
      reason: 'ContainerStatusUnknown',
      message: 'the process that held this container is gone',
      final: isEnding() || state.failure !== undefined,
    });
  };

  const running = (name: string): RunningContainer | string => {
    const record = state.containers.find((candidate) => candidate.name === name);
    if (record?.run.phase !== 'running') return `container not found ("${name}")`;
    const ended = new Promise<void>((resolve) => {
      const id = processId(uid, name, record.attempt);
      endings.set(id, [...(endings.get(id) ?? []), resolve]);
    });
    return {
      processId: processId(uid, name, record.attempt),
      container: containerOf(name),
      pid: record.run.pid,
      ended,
    };
  };

  const cancelDeadline = watchDeadline(first, state.startTime, clock, (failure) =>
    dispatch({ type: 'failed', ...failure }),
  );

  void adopt().then(() => {
    publish();
    return sync();
  });

  return {
    uid,
    get sandbox() {
      return state.sandbox;
    },
    running,
    async enter(name, command) {
      const target = running(name);
      if (typeof target === 'string' || state.sandbox === undefined) return String(target);
      const launch = await prepareLaunch(context, pod, target.container, 0, state.sandbox);
      return launch.ok ? enterContainer(sandboxes.mode, target.pid, launch.spec, command) : launch.message;
    },
    update(next) {
      const wasEnding = isEnding();
      const before = graceMs();
      const previous = pod;
      pod = next;
      if (isEnding()) {
        for (const probe of probes.values()) probe.onlyReadiness();
        if (wasEnding && graceMs() < before) shortenGrace();
      }
      publish();
      if (context.nodeReady()) writer.restore(next);
      restartRedefined(previous);
      void sync();
    },
    restoreStatus() {
      if (!absent && !detached) writer.restore(pod);
    },
    removed() {
      absent = true;
      shortenGrace();
      void sync();
    },
    exited,
    runtimeLost() {
      for (const record of state.containers) lostContainer(record);
    },
    retry: retryBlocked,
    detach() {
      detached = true;
      cancelWake();
      cancelDeadline();
      writer.stop();
      volumes.stop();
      for (const probe of probes.values()) probe.stop();
      for (const cancel of killTimers.values()) cancel();
      markGone();
    },
    gone,
  };

  function retryBlocked(): void {
    for (const record of state.containers) {
      if (record.run.phase !== 'waiting' || record.run.reason === 'CrashLoopBackOff') continue;
      const { reason, message } = record.run;
      dispatch({ type: 'blocked', container: record.name, reason, message, notBefore: 0 });
    }
    void sync();
  }

  function restartRedefined(previous: Pod): void {
    if (isEnding()) return;
    for (const { name, run } of redefinedContainers(previous, pod, state)) {
      if (run.phase === 'running' && run.stopping === undefined) {
        const message = `Container ${name} definition changed, will be restarted`;
        recorder.record(pod, 'Normal', 'Killing', message, about(name));
        void stopContainer(name, REDEFINED);
      } else if (run.phase === 'waiting') {
        dispatch({ type: 'blocked', container: name, reason: run.reason, message: run.message, notBefore: 0 });
      }
    }
  }

  function shortenGrace(): void {
    for (const record of state.containers) {
      if (record.run.phase !== 'running' || record.run.stopping === undefined) continue;
      killTimers.get(record.name)?.();
      killTimers.set(
        record.name,
        clock.after(graceMs(), () => signal(record.name, 'SIGKILL')),
      );
    }
  }
}
