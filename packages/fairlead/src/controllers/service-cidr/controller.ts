import { type Condition, type ServiceCIDR, type Stored, serviceCidrs } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { timestamp } from '../workload/pod-state.ts';
import { ipAddresses } from '../workload/resource-refs.ts';
import { decideRange, rangeFinalizer } from './decide-range.ts';

/** A range that goes takes no new addresses; those just being written are waited for, milliseconds. */
const graceMs = 10_000;
const lookAgainMs = 5000;

/** Opens further ranges of cluster IPs, and lets them go when no address needs them. */
export const serviceCidrController: Controller = {
  name: 'servicecidr',
  needs: [serviceCidrs, ipAddresses],
  start(context) {
    const controller = new ServiceCidrController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class ServiceCidrController {
  readonly #context: ControllerContext;
  readonly #ranges;
  readonly #addresses;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'servicecidr', concurrency: 1, sync: (key) => this.#sync(key) });
    this.#ranges = context.informers.informer(serviceCidrs);
    this.#addresses = context.informers.informer(ipAddresses);
    context.informers.collection(serviceCidrs).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    context.informers.collection(ipAddresses).subscribe((changes) => {
      if (!changes.some((change) => change.new === undefined)) return;
      for (const { metadata } of this.#ranges.values()) {
        if (metadata.deletionTimestamp !== undefined) this.queue.add(metadata.name);
      }
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    await Promise.all([this.#ranges.synced, this.#addresses.synced]);
    const range = this.#ranges.get(key);
    if (range === undefined) return undefined;
    const { clock } = this.#context;
    const finalizers = range.metadata.finalizers ?? [];
    const decision = decideRange(range, this.#ranges.values(), this.#addresses.values());
    switch (decision.kind) {
      case 'ready': {
        let current = range;
        if (!finalizers.includes(rangeFinalizer)) {
          current = await this.#setFinalizers(range, [...finalizers, rangeFinalizer]);
        }
        // The default range is told of by the API server itself.
        if (conditionOf(current) === undefined) {
          await this.#setReady(current, 'True', '', 'Kubernetes Service CIDR is ready');
        }
        return undefined;
      }
      case 'held':
        await this.#setReady(
          range,
          'False',
          'Terminating',
          'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
        );
        return { againAfterMs: lookAgainMs };
      case 'release': {
        if (!finalizers.includes(rangeFinalizer)) return undefined;
        const leftMs = Date.parse(range.metadata.deletionTimestamp ?? '') + graceMs - clock.now();
        if (leftMs > 0) return { againAfterMs: leftMs };
        await this.#setFinalizers(
          range,
          finalizers.filter((finalizer) => finalizer !== rangeFinalizer),
        );
        return undefined;
      }
    }
  }

  async #setFinalizers(range: Stored<ServiceCIDR>, finalizers: string[]): Promise<Stored<ServiceCIDR>> {
    const written = await this.#context.client.update(serviceCidrs, {
      ...range,
      metadata: { ...range.metadata, finalizers },
    });
    return written;
  }

  async #setReady(
    range: Stored<ServiceCIDR>,
    status: 'True' | 'False',
    reason: string,
    message: string,
  ): Promise<void> {
    const before = conditionOf(range);
    const lastTransitionTime =
      before?.status === status ? before.lastTransitionTime : timestamp(this.#context.clock.now());
    const condition: Condition = { type: 'Ready', status, reason, message, lastTransitionTime };
    if (deepEqual(before, condition)) return;
    const others = (range.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const next = { ...range, status: { ...range.status, conditions: [...others, condition] } };
    const written = await this.#context.client.update(serviceCidrs, next, { subresource: 'status' });
    await this.#ranges.caughtUp(written.metadata.resourceVersion);
  }
}

function conditionOf(range: ServiceCIDR): Condition | undefined {
  return range.status?.conditions?.find(({ type }) => type === 'Ready');
}
