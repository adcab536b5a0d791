import { type Condition, namespaces, nodes, objectKey, type Service, type Stored, services } from '@fairlead/api';
import {
  addressCondition,
  addressPools,
  bgpAdvertisements,
  l2Announcements,
  ownLoadBalancerClass,
} from '@fairlead/api/fairlead-dev/types';
import { deepEqual, type EventRecorder } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue, type WorkQueue } from '../work-queue.ts';
import { timestamp } from '../workload/pod-state.ts';
import { AddressBook } from './address-book.ts';
import { type AddressRequest, isCandidate, readAddressRequest } from './address-request.ts';
import { type CompiledPool, comparePools, compilePool, poolServes } from './compiled-pool.ts';
import { type AddressDecision, decideAddresses, poolOfAddress } from './decide-addresses.ts';
import { poolStatus } from './pool-status.ts';

/** A pool's status is written so long after a change, so that many assignments make one write. */
const poolStatusDelayMs = 250;
const about = { kind: 'Service', apiVersion: 'v1' };

/** Gives Services of type LoadBalancer addresses from AddressPools (docs/decisions/0007). */
export const lbAddressesController: Controller = {
  name: 'lb-addresses',
  needs: [addressPools, l2Announcements, bgpAdvertisements],
  start: (context) => new AddressAllocation(context).queue,
};

function ingressAddresses(service: Service): string[] {
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined || ip === '' ? [] : [ip]));
}

function conditionOf(service: Service): Condition | undefined {
  return service.status?.conditions?.find(({ type }) => type === addressCondition);
}

/** One queue with one worker: decisions are made one after another, on one book. */
class AddressAllocation {
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #book = new AddressBook();
  /** Services that lack something they ask for. */
  readonly #pending = new Set<string>();
  #pools: CompiledPool[] = [];
  #classes: ReadonlySet<string> = new Set();
  #nodeAddresses = new Set<string>();
  #restored = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('lb-addresses');
    this.queue = startWorkQueue({ ...context, name: 'lb-addresses', concurrency: 1, sync: (key) => this.#sync(key) });
    const { informers } = context;
    const wakePending = (): void => {
      for (const key of this.#pending) this.queue.add(`service ${key}`);
    };
    informers.collection(services).subscribe((changes) => {
      for (const { key } of changes) this.queue.add(`service ${key}`);
    });
    informers.collection(addressPools).subscribe((changes) => {
      this.#readPools();
      for (const { key } of changes) this.queue.add(`pool ${key}`);
      wakePending();
    });
    informers.collection(namespaces).subscribe((changes) => {
      if (changes.some((one) => !deepEqual(one.old?.metadata.labels, one.new?.metadata.labels))) wakePending();
    });
    informers.collection(nodes).subscribe((changes) => {
      if (changes.some((one) => !deepEqual(one.old?.status?.addresses, one.new?.status?.addresses))) this.#readNodes();
    });
    for (const ref of [l2Announcements, bgpAdvertisements]) {
      informers.collection<{ readonly spec?: { readonly pools?: readonly string[] } }>(ref).subscribe(() => {
        for (const pool of this.#pools) this.queue.add(`pool ${pool.name}`);
      });
    }
  }

  #readPools(): void {
    const { informers } = this.#context;
    this.#pools = [...informers.informer(addressPools).values()].map(compilePool).sort(comparePools);
    this.#classes = new Set(this.#pools.map((pool) => pool.loadBalancerClass).filter((name) => name !== ''));
  }

  #readNodes(): void {
    const all = [...this.#context.informers.informer(nodes).values()];
    this.#nodeAddresses = new Set(all.flatMap((node) => (node.status?.addresses ?? []).map(({ address }) => address)));
  }

  /** Enters what Services have before anything is handed out: the oldest first, should two claim one address. */
  async #restore(): Promise<void> {
    const { informers } = this.#context;
    const informer = informers.informer(services);
    const others = [addressPools, l2Announcements, bgpAdvertisements, namespaces, nodes];
    await Promise.all([informer.synced, ...others.map((ref) => informers.informer<unknown>(ref).synced)]);
    if (this.#restored) return;
    this.#restored = true;
    this.#readPools();
    this.#readNodes();
    const age = (service: Stored<Service>): string => `${service.metadata.creationTimestamp} ${objectKey(service)}`;
    const all = [...informer.values()].sort((a, b) => (age(a) < age(b) ? -1 : 1));
    for (const service of all) {
      if (!this.#isOurs(service)) continue;
      const request = readAddressRequest(service);
      const free = ingressAddresses(service).filter(
        (address) => this.#book.conflict(address, request.key, request.sharing) === undefined,
      );
      this.#book.assign(request.key, free, request.sharing);
    }
  }

  /** Whether the addresses of a Service are this controller's business. */
  #isOurs(service: Service): boolean {
    if (!isCandidate(service, this.#classes)) return false;
    if (conditionOf(service) !== undefined) return true;
    if (service.spec?.loadBalancerClass === ownLoadBalancerClass) return true;
    if (this.#pools.length === 0) return false;
    const ingress = service.status?.loadBalancer?.ingress ?? [];
    // What another controller or a person wrote stays, unless it is from our pools.
    return ingress.every(({ ip }) => ip !== undefined && poolOfAddress(this.#pools, ip) !== undefined);
  }

  async #sync(key: string): Promise<void> {
    await this.#restore();
    const [kind = '', name = ''] = key.split(' ');
    return kind === 'pool' ? this.#syncPool(name) : this.#syncService(name);
  }

  async #syncService(key: string): Promise<void> {
    const informer = this.#context.informers.informer(services);
    const service = informer.get(key);
    if (service === undefined || !this.#isOurs(service)) {
      this.#pending.delete(key);
      this.#release(key);
      if (service?.spec?.type === 'LoadBalancer' && service.metadata.deletionTimestamp === undefined) {
        // Left alone for want of a pool: looked at again when there is one.
        this.#pending.add(key);
      }
      if (service !== undefined && conditionOf(service) !== undefined) await this.#clear(service);
      return;
    }
    const request = readAddressRequest(service);
    const current = ingressAddresses(service);
    const decision = decideAddresses(request, current, {
      book: this.#book,
      pools: this.#pools,
      serves: (pool) => this.#serves(pool, request),
      isReserved: (address) => this.#nodeAddresses.has(address),
    });
    const before = this.#book.addressesOf(key);
    this.#book.assign(key, decision.addresses, request.sharing);
    if (!deepEqual(before, decision.addresses)) this.#changed(before, decision.addresses);
    if (decision.reason === 'Assigned') this.#pending.delete(key);
    else this.#pending.add(key);
    await this.#write(service, decision);
  }

  #serves(pool: CompiledPool, request: AddressRequest): boolean {
    const namespace = this.#context.informers.informer(namespaces).get(request.namespace);
    return poolServes(pool, request, namespace?.metadata.labels);
  }

  #release(key: string): void {
    const before = this.#book.addressesOf(key);
    if (this.#book.release(key)) this.#changed(before, []);
  }

  /** Counts of pools have changed; freed addresses may be what others wait for. */
  #changed(before: readonly string[], after: readonly string[]): void {
    const freed = before.filter((address) => !after.includes(address));
    for (const address of [...freed, ...after]) {
      for (const pool of this.#pools) {
        if (poolOfAddress([pool], address) !== undefined) this.queue.addAfter(`pool ${pool.name}`, poolStatusDelayMs);
      }
    }
    if (freed.length > 0) for (const key of this.#pending) this.queue.add(`service ${key}`);
  }

  async #write(service: Stored<Service>, decision: AddressDecision): Promise<void> {
    const holds = decision.reason === 'Assigned';
    const old = conditionOf(service);
    const status = holds ? 'True' : 'False';
    const condition: Condition = {
      type: addressCondition,
      status,
      reason: decision.reason,
      message: decision.message,
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : timestamp(this.#context.clock.now()),
      observedGeneration: service.metadata.generation,
    };
    const ingress = decision.addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
    const sameIngress = deepEqual(ingressAddresses(service), decision.addresses);
    if (sameIngress && old?.status === status && old.reason === decision.reason && old.message === decision.message)
      return;
    await this.#patch(service, {
      ...(sameIngress ? {} : { loadBalancer: { ingress } }),
      conditions: [condition],
    });
    const fresh = old === undefined || old.reason !== decision.reason || old.message !== decision.message;
    if (fresh && holds) this.#recorder.record(service, 'Normal', 'AddressesAssigned', decision.message, about);
    else if (fresh) this.#recorder.record(service, 'Warning', decision.reason, decision.message, about);
  }

  /** Takes back what was written to a Service that is not ours any more. */
  async #clear(service: Stored<Service>): Promise<void> {
    await this.#patch(service, {
      loadBalancer: { ingress: null },
      conditions: [{ type: addressCondition, $patch: 'delete' }],
    });
    this.#recorder.record(service, 'Normal', 'AddressesReleased', 'the Service asks for no address any more', about);
  }

  /** A write on top of another version than the one decided upon is a conflict, and decided anew. */
  async #patch(service: Stored<Service>, status: object): Promise<void> {
    const { client, informers } = this.#context;
    const { name, namespace = '', resourceVersion } = service.metadata;
    const body = { metadata: { resourceVersion }, status };
    const written = await client.patch(services, { name, namespace }, 'strategic', body, { subresource: 'status' });
    await informers.informer(services).caughtUp(written.metadata.resourceVersion);
  }

  async #syncPool(name: string): Promise<void> {
    const { client, clock, informers } = this.#context;
    const pool = informers.informer(addressPools).get(name);
    const compiled = this.#pools.find((one) => one.name === name);
    if (pool === undefined || compiled === undefined) return;
    const announcements = [
      ...informers.informer(l2Announcements).values(),
      ...informers.informer(bgpAdvertisements).values(),
    ];
    const status = poolStatus(pool, compiled, {
      pools: this.#pools,
      inUse: this.#book.addresses(),
      isAnnounced: announcements.some(({ spec }) => (spec?.pools ?? []).length === 0 || spec?.pools?.includes(name)),
      now: timestamp(clock.now()),
    });
    if (deepEqual(status, pool.status)) return;
    const written = await client.update(addressPools, { ...pool, status }, { subresource: 'status' });
    await informers.informer(addressPools).caughtUp(written.metadata.resourceVersion);
  }
}
