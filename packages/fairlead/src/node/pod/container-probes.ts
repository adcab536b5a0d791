import type { Container, Probe } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import { type Prober, startProber } from '../probes/prober.ts';
import { type ProbeOutcome, runProbe } from '../probes/run-probe.ts';

/** The probes of one running container attempt. */
export interface ContainerProbes {
  /** The Pod goes away: only readiness is still of interest. */
  onlyReadiness(): void;
  stop(): void;
}

/** A running container, and what its probes decide. */
export interface ContainerProbesOptions {
  readonly container: Container;
  readonly podIp: string;
  readonly clock: Clock;
  readonly alreadyStarted: boolean;
  /** Used as startup probe when the container has none. */
  readonly impliedStartupPort: number | undefined;
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<ProbeOutcome>;
  readonly onStarted: () => void;
  readonly onReady: (ready: boolean) => void;
  /** Liveness or startup failed for good. */
  readonly onUnhealthy: (kind: 'Liveness' | 'Startup', probe: Probe) => void;
  readonly onFailure: (kind: 'Readiness' | 'Liveness' | 'Startup', detail: string) => void;
}

/** The startup probe that gates a container, if any. */
export function startupProbeOf(container: Container, impliedPort: number | undefined): Probe | undefined {
  if (container.startupProbe !== undefined) return container.startupProbe;
  if (impliedPort === undefined || container.readinessProbe !== undefined) return undefined;
  return { tcpSocket: { port: impliedPort }, periodSeconds: 1, failureThreshold: 60 };
}

/** Starts the startup probe, and after its success readiness and liveness. */
export function startContainerProbes(options: ContainerProbesOptions): ContainerProbes {
  const { container, clock, podIp } = options;
  const target = { podIp, container, clock, exec: options.exec };
  let startup: Prober | undefined;
  let readiness: Prober | undefined;
  let liveness: Prober | undefined;
  let stopped = false;
  let ending = false;

  const begin = (): void => {
    if (stopped) return;
    const { readinessProbe, livenessProbe } = container;
    if (readinessProbe !== undefined) {
      readiness = startProber({
        probe: readinessProbe,
        clock,
        quick: true,
        run: (timeoutMs) => runProbe(readinessProbe, timeoutMs, target),
        onResult: (result) => options.onReady(result === 'success'),
        onFailure: (detail) => options.onFailure('Readiness', detail),
      });
    }
    if (livenessProbe !== undefined && !ending) {
      liveness = startProber({
        probe: livenessProbe,
        clock,
        quick: false,
        run: (timeoutMs) => runProbe(livenessProbe, timeoutMs, target),
        onResult: (result) => {
          if (result === 'failure') options.onUnhealthy('Liveness', livenessProbe);
        },
        onFailure: (detail) => options.onFailure('Liveness', detail),
      });
    }
  };

  const startupProbe = startupProbeOf(container, options.impliedStartupPort);
  if (startupProbe === undefined || options.alreadyStarted) {
    begin();
  } else {
    startup = startProber({
      probe: startupProbe,
      clock,
      quick: true,
      run: (timeoutMs) => runProbe(startupProbe, timeoutMs, target),
      onResult: (result) => {
        startup?.stop();
        if (result === 'failure') return options.onUnhealthy('Startup', startupProbe);
        options.onStarted();
        begin();
      },
      onFailure: (detail) => {
        if (container.startupProbe !== undefined) options.onFailure('Startup', detail);
      },
    });
  }
  return {
    onlyReadiness() {
      ending = true;
      startup?.stop();
      liveness?.stop();
    },
    stop() {
      stopped = true;
      startup?.stop();
      readiness?.stop();
      liveness?.stop();
    },
  };
}
