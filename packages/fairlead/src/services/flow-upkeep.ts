import { networkInterfaces } from 'node:os';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { changedUdpFrontends, deleteFlows, isOrphan, type ProgramChange, reconcileConntrack } from './conntrack.ts';
import { DrainSchedule } from './drain-schedule.ts';
import { EndedConnections } from './ended-connections.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import type { ServiceFlow } from './service-frontends.ts';
import type { ServiceProxyMetrics } from './service-proxy-metrics.ts';

/** What {@link FlowUpkeep} needs. */
export interface FlowUpkeepOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: ServiceProxyMetrics;
  /** Addresses of the node besides those of the machine's links. */
  readonly nodeIps: () => readonly string[];
  /** Ranges of cluster IPs. */
  readonly serviceCidrs: () => readonly string[];
  /** Cluster IPs that Services have. */
  readonly clusterIps: () => ReadonlySet<string>;
}

/** Keeps connection tracking in step with programs: UDP flows to endpoints that are gone, connections that have drained. */
export class FlowUpkeep {
  readonly #options: FlowUpkeepOptions;
  readonly #draining: DrainSchedule;
  readonly #ended = new EndedConnections(createRunNft(['nft']));
  /** Changes whose flows have not been looked at yet. */
  #pending = new Map<string, ProgramChange>();
  /** Nothing has been looked at yet: a predecessor's flows may be there. */
  #first = true;

  constructor(options: FlowUpkeepOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#draining = new DrainSchedule({
      clock,
      log,
      nodeIps: () => this.#addresses(),
      deleteFlows,
      endingUnheard: (flows) => this.#ended.add(flows),
    });
  }

  #addresses(): readonly string[] {
    const own = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
    return [...new Set([...own, ...this.#options.nodeIps()])];
  }

  /** A Service's program changes; several changes before the next {@link reconcile} count as one. */
  note(key: string, before: ServiceProgram | undefined, after: ServiceProgram | undefined): void {
    const known = this.#pending.get(key);
    this.#pending.set(key, { before: known === undefined ? before : known.before, after });
  }

  /** To be called when what was noted is installed. */
  async reconcile(): Promise<void> {
    const changes = this.#pending;
    this.#pending = new Map();
    const { clock, metrics, log } = this.#options;
    this.#draining.update(changes);
    const startedAtMs = clock.monotonicMs();
    const frontends = changedUdpFrontends(changes.values(), this.#addresses());
    const { deleted, errno } = await reconcileConntrack(frontends, this.#first ? this.#orphans() : undefined);
    this.#first = false;
    metrics?.conntrackReconciled?.({ deleted, durationMs: clock.monotonicMs() - startedAtMs });
    if (errno < 0) log('warn', 'Stale UDP flows cannot be deleted: no access to connection tracking', { errno });
  }

  #orphans(): (flow: ServiceFlow) => boolean {
    const cidrs = this.#options.serviceCidrs();
    const known = this.#options.clusterIps();
    return (flow) => isOrphan(flow, cidrs, known);
  }

  async stop(): Promise<void> {
    await this.#draining.stop();
    await this.#ended.remove().catch(() => undefined);
  }
}
