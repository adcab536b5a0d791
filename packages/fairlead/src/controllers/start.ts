import { type ApiClient, createEventRecorder, type EventRecorder } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { allControllers } from './all-controllers.ts';
import type { ControllerContext } from './controller.ts';
import type { MetricsSource } from './horizontalpodautoscaling/metrics-source.ts';
import { startWhenLeader } from './leader-election.ts';
import { selectControllers } from './select-controllers.ts';
import { sharedInformers } from './shared-informers.ts';
import { startWhenServed } from './start-when-served.ts';

/** Options of {@link startControllers}; times in milliseconds. */
export interface ControllersOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Patterns: `*`, a name, `-name`. */
  readonly controllers: readonly string[];
  /** Range that nodes get their Pod ranges from, or one of each family joined by a comma. */
  readonly podCidr: string;
  /** Prefix length of a node's Pod range. Default 24 (IPv4), 64 (IPv6). */
  readonly nodeCidrMaskSize?: number;
  /** PEM text for the ConfigMap `kube-root-ca.crt`. */
  readonly rootCa: string;
  /** Name in the leader election; the same name takes its own Lease over at once. */
  readonly identity: string;
  /** Where claims of the class `standard` get their folders. Default: there is no such class. */
  readonly volumesDir?: string;
  /** Where autoscalers read their metrics. Default: nowhere, which their conditions tell. */
  readonly metrics?: MetricsSource;
  /** A node is unreachable when its Lease is older. Default 12,000. */
  readonly nodeMonitorGraceMs?: number;
  /** Pods of an unreachable node are deleted after this. Default 60,000. */
  readonly evictionAfterMs?: number;
}

/** A name in `--controllers` that no controller has. */
class UnknownControllerError extends Error {
  override readonly name: string = 'UnknownControllerError';
}

/**
 * Starts the chosen controllers as soon as this process holds the Lease
 * `kube-system/fairlead-controllers`; resolves after the first attempt to get it.
 * @throws UnknownControllerError
 */
export async function startControllers(options: ControllersOptions): Promise<Running> {
  const { client, clock, random, log } = options;
  const known = allControllers.map((controller) => controller.name);
  const selection = selectControllers(options.controllers, known);
  if (!selection.ok) {
    throw new UnknownControllerError(
      `no such controller: ${selection.unknown.join(', ')} (there are ${known.join(', ')})`,
    );
  }
  const chosen = allControllers.filter((controller) => selection.names.includes(controller.name));
  const start = async (): Promise<Running> => {
    const informers = sharedInformers(client, { clock, random, log });
    const recorders: EventRecorder[] = [];
    const context: ControllerContext = {
      client,
      clock,
      random,
      log,
      informers,
      settings: {
        podCidr: options.podCidr,
        nodeCidrMaskSize: options.nodeCidrMaskSize ?? (options.podCidr.split(',')[0]!.includes(':') ? 64 : 24),
        nodeMonitorGraceMs: options.nodeMonitorGraceMs ?? 12_000,
        evictionAfterMs: options.evictionAfterMs ?? 60_000,
        rootCa: options.rootCa,
        ...(options.volumesDir === undefined ? {} : { volumesDir: options.volumesDir }),
      },
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      recorder(component) {
        const recorder = createEventRecorder(client, { component, clock, random, log });
        recorders.push(recorder);
        return recorder;
      },
    };
    const running: Running[] = [];
    const stopWaiting = startWhenServed(chosen, context, (controller) => running.push(controller.start(context)));
    return {
      async stop() {
        stopWaiting();
        // Informers first: a sync that waits for its own write is released by that.
        informers.stop();
        await Promise.all(running.map((controller) => controller.stop()));
        await Promise.all(recorders.map((recorder) => recorder.flush()));
      },
    };
  };
  const { identity } = options;
  return startWhenLeader(
    { client, clock, random, log, identity, namespace: 'kube-system', name: 'fairlead-controllers' },
    start,
  );
}
