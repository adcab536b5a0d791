import type { ApiClient } from '@fairlead/client';
import type { Clock } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { RouteTableBuilder, type RoutingSources } from './build-route-table.ts';
import { isEmptyDiff, PendingDiff } from './diff.ts';
import { IngressStatusWriter } from './ingress-status.ts';
import type { RouteListener, RouteTable, RouteTableDiff } from './route-table.ts';

/** What routes are made for, and whom status is written for. */
export interface RoutingOptions {
  /** For Ingress status and events. */
  readonly client: ApiClient;
  readonly listeners: readonly RouteListener[];
  /** Name of our IngressClass. */
  readonly ingressClass: string;
  /** IP literals or host names that go into Ingress status. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Installs a difference in every worker; resolves when all have acknowledged it. Never called
   * again before it settled. A rejection repeats the same keys, with their newest values, later.
   */
  readonly onDiff: (diff: RouteTableDiff) => Promise<void>;
}

/** A running route compiler. */
export interface RunningRouting extends Running {
  /** The table that was sent last (a live view). */
  table(): RouteTable;
  /** Other addresses go into Ingress status from now on. */
  setAddresses(addresses: readonly string[]): void;
}

/** Changes that arrive together, over several watches, become one diff: a route appears with its endpoints. */
const HOLD_OFF_MS = 5;
/** Longest wait for referenced Secrets and ConfigMaps before the first difference goes out without them. */
const SECRETS_WAIT_MS = 2_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Compiles `sources` into diffs for `onDiff`, from their first complete state on. */
export function startRoutingLoop(sources: RoutingSources, options: RoutingOptions): RunningRouting {
  const { clock, log } = options;
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  let wake = Promise.withResolvers<void>();
  const builder = new RouteTableBuilder(sources, options.listeners, options.ingressClass, () => wake.resolve());
  const status = new IngressStatusWriter({
    client: options.client,
    clock,
    log,
    addresses: options.addresses,
    source: {
      get: (key) => sources.ingresses.get(key),
      isAccepted: (key) => builder.isAccepted(key),
      problemsOf: (key) => builder.problemsOf(key),
    },
  });

  async function run(): Promise<void> {
    const { ingresses, ingressClasses, services, endpointSlices } = sources;
    const synced = [ingresses, ingressClasses, services, endpointSlices].map((collection) => collection.synced);
    await Promise.race([Promise.all(synced), stopped.promise]);
    // The first table needs its certificates: until then clients would be shown the default one.
    const first = builder.flush();
    const settled = Promise.all([sources.secrets?.settled(), sources.configMaps?.settled()]);
    await Promise.race([settled, stopped.promise, clock.sleep(SECRETS_WAIT_MS, stop.signal)]);
    const pending = new PendingDiff();
    pending.add(first.diff);
    const statusOf = new Set(first.ingresses);
    let retryMs = RETRY_FIRST_MS;
    while (!stop.signal.aborted) {
      wake = Promise.withResolvers();
      const update = builder.flush();
      pending.add(update.diff);
      for (const key of update.ingresses) statusOf.add(key);
      const diff = pending.toDiff(builder.table);
      try {
        if (!isEmptyDiff(diff)) await options.onDiff(diff);
      } catch (error) {
        if (stop.signal.aborted) return;
        log('error', 'routes not applied', { error: (error as Error).message, retryMs });
        await clock.sleep(retryMs, stop.signal);
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
        continue;
      }
      retryMs = RETRY_FIRST_MS;
      pending.clear();
      status.enqueue(statusOf);
      statusOf.clear();
      await wake.promise;
      await clock.sleep(HOLD_OFF_MS, stop.signal);
    }
  }

  const running = run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    table: () => builder.table,
    setAddresses: (addresses) => status.setAddresses(addresses),
    async stop() {
      stop.abort();
      stopped.resolve();
      wake.resolve();
      builder.stop();
      await Promise.all([running, status.stop()]);
    },
  };
}
