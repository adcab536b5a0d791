import { isIP } from 'node:net';
import { type Ingress, type IngressLoadBalancerIngress, ingresses, type Stored, splitObjectKey } from '@fairlead/api';
import { type ApiClient, createEventRecorder, deepEqual, type EventRecorder, isNotFound } from '@fairlead/client';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { IngressProblem } from './compile-ingress.ts';

/** What the writer asks about an Ingress, at the time it writes. */
export interface IngressStatusSource {
  get(key: string): Stored<Ingress> | undefined;
  isAccepted(key: string): boolean;
  problemsOf(key: string): readonly IngressProblem[];
}

/** Which Ingresses get which addresses. */
export interface IngressStatusOptions {
  readonly client: ApiClient;
  readonly source: IngressStatusSource;
  /** IP literals or host names under which the gateway is reached. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** A problem must last this long before it becomes an event: objects applied together arrive one by one. */
const PROBLEM_HOLD_MS = 1_000;
const RETRY_MS = 2_000;
const COMPONENT = 'fairlead-gateway';

/**
 * Writes `status.loadBalancer.ingress` of the Ingresses we serve and tells their problems as
 * Warning events. Works through a queue of keys, one at a time, apart from the data path: an API
 * that is slow or gone delays status, never traffic. Failed writes are repeated.
 */
export class IngressStatusWriter {
  readonly #options: IngressStatusOptions;
  #addresses: IngressLoadBalancerIngress[];
  /** Those of before, as long as status may still have them. */
  #formerAddresses: IngressLoadBalancerIngress[] | undefined = undefined;
  readonly #events: EventRecorder;
  readonly #queue = new Set<string>();
  /** When each present problem was first seen (monotonic ms), or that it was told; by Ingress, then text. */
  readonly #problems = new Map<string, Map<string, number | 'told'>>();
  readonly #written = new Set<string>();
  /** Cancels the delayed visit of a key; at most one each. */
  readonly #later = new Map<string, () => void>();
  #working: Promise<void> | undefined;
  #stopped = false;

  constructor(options: IngressStatusOptions) {
    this.#options = options;
    const { client, clock, log } = options;
    this.#events = createEventRecorder(client, { component: COMPONENT, clock, log });
    this.#addresses = entriesOf(options.addresses);
  }

  /** Reconciles these Ingresses soon. */
  enqueue(keys: Iterable<string>): void {
    if (this.#stopped) return;
    for (const key of keys) this.#queue.add(key);
    if (this.#queue.size > 0) this.#working ??= this.#work();
  }

  /** The gateway is reached at other addresses now: writes the status of what was written before anew. */
  setAddresses(addresses: readonly string[]): void {
    this.#formerAddresses = this.#addresses;
    this.#addresses = entriesOf(addresses);
    this.enqueue(this.#written);
  }

  /** Leaves the written status in place: the routes outlive a restart. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.clear();
    for (const cancel of this.#later.values()) cancel();
    await this.#working;
    await this.#events.flush();
  }

  async #work(): Promise<void> {
    for (const key of this.#queue) {
      this.#queue.delete(key);
      try {
        await this.#reconcile(key);
      } catch (error) {
        this.#options.log('warn', 'ingress status not written', { ingress: key, error: (error as Error).message });
        this.#enqueueLater(key, RETRY_MS);
      }
    }
    // In the same turn as the end of the loop, so that no key can slip in between.
    this.#working = undefined;
  }

  #enqueueLater(key: string, delayMs: number): void {
    if (this.#stopped || this.#later.has(key)) return;
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#later.delete(key);
      this.enqueue([key]);
    });
    this.#later.set(key, cancel);
  }

  async #reconcile(key: string): Promise<void> {
    const ingress = this.#options.source.get(key);
    if (ingress === undefined) {
      this.#problems.delete(key);
      this.#written.delete(key);
      return;
    }
    try {
      if (this.#options.source.isAccepted(key)) await this.#publish(key, ingress);
      else await this.#withdraw(key, ingress);
      this.#tellProblems(key, ingress);
    } catch (error) {
      // Deleted meanwhile; its deletion comes through the collection.
      if (!isNotFound(error)) throw error;
    }
  }

  async #publish(key: string, ingress: Stored<Ingress>): Promise<void> {
    if (!deepEqual(ingress.status?.loadBalancer?.ingress ?? [], this.#addresses)) {
      await this.#patchStatus(key, this.#addresses);
    }
    this.#written.add(key);
  }

  /** An Ingress that moved to another class keeps a status that the new controller wrote. */
  async #withdraw(key: string, ingress: Stored<Ingress>): Promise<void> {
    if (!this.#written.delete(key)) return;
    const present = ingress.status?.loadBalancer?.ingress ?? [];
    const isOurs = [this.#addresses, this.#formerAddresses].some((addresses) => deepEqual(present, addresses));
    if (isOurs) await this.#patchStatus(key, null);
  }

  async #patchStatus(key: string, addresses: readonly IngressLoadBalancerIngress[] | null): Promise<void> {
    const body = { status: { loadBalancer: { ingress: addresses } } };
    await this.#options.client.patch(ingresses, splitObjectKey(key), 'merge', body, {
      subresource: 'status',
      fieldManager: COMPONENT,
    });
  }

  #tellProblems(key: string, ingress: Stored<Ingress>): void {
    const known = this.#problems.get(key) ?? new Map<string, number | 'told'>();
    const present = new Map<string, number | 'told'>();
    this.#problems.set(key, present);
    const now = this.#options.clock.monotonicMs();
    for (const problem of this.#options.source.problemsOf(key)) {
      const text = `${problem.reason} ${problem.field}: ${problem.message}`;
      const since = known.get(text) ?? now;
      present.set(text, since);
      if (since === 'told') continue;
      if (since + PROBLEM_HOLD_MS > now) this.#enqueueLater(key, since + PROBLEM_HOLD_MS - now);
      else {
        const about = { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', fieldPath: problem.field };
        this.#events.record(ingress, 'Warning', problem.reason, `${problem.field}: ${problem.message}`, about);
        present.set(text, 'told');
      }
    }
    if (present.size === 0) this.#problems.delete(key);
  }
}

/** How addresses are written in a status. */
function entriesOf(addresses: readonly string[]): IngressLoadBalancerIngress[] {
  return addresses.map((address) => (isIP(address) === 0 ? { hostname: address } : { ip: address }));
}
