import { type Service, type Stored, services } from '@fairlead/api';
import { type ApiClient, ApiError } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { CompileWarning } from './compile.ts';
import { conditionsFor, isCurrent, type WantedCondition } from './service-conditions.ts';

/** What a {@link ConditionWriter} needs. */
export interface ConditionWriterOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** All nodes want to write the same: whoever is first spares the others, who see it within this time. */
const sharedSpreadMs = 2000;
const retryMs = 10_000;
const mostRetries = 5;
/** Owner of the fields that are the same on every node. */
const sharedManager = 'fairlead-service-proxy';

interface PendingWrite {
  readonly cancel: () => void;
}

/**
 * Keeps what Services' statuses say of their annotations.
 *
 * Conditions of one type belong to one field manager, applied on the server, so nodes never undo each
 * other's; the condition that all of them would write has one manager for all and is written by
 * whichever comes first. Without the right to write, it says so once and stays silent.
 */
export class ConditionWriter {
  readonly #options: ConditionWriterOptions;
  readonly #pending = new Map<string, PendingWrite>();
  readonly #writing = new Set<Promise<void>>();
  #forbidden = false;
  #stopped = false;

  constructor(options: ConditionWriterOptions) {
    this.#options = options;
  }

  /** A Service was compiled: with these warnings. Call it for every version of the Service. */
  update(key: string, service: Stored<Service>, warnings: readonly CompileWarning[]): void {
    const { nodeName, random } = this.#options;
    const { accepted, degraded } = conditionsFor(service, warnings, nodeName);
    this.#want(key, service, accepted, sharedManager, random() * sharedSpreadMs);
    this.#want(key, service, degraded, `${sharedManager}-${nodeName}`.slice(0, 128), 0);
  }

  /** The Service is gone. */
  forget(key: string): void {
    for (const [id, { cancel }] of this.#pending) {
      if (!id.startsWith(`${key}|`)) continue;
      cancel();
      this.#pending.delete(id);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { cancel } of this.#pending.values()) cancel();
    await Promise.all(this.#writing);
  }

  #want(key: string, service: Stored<Service>, condition: WantedCondition, manager: string, delayMs: number): void {
    const id = `${key}|${condition.type}`;
    this.#pending.get(id)?.cancel();
    this.#pending.delete(id);
    if (isCurrent(service, condition) || this.#forbidden || this.#stopped) return;
    this.#later(id, service, condition, manager, delayMs, 0);
  }

  #later(
    id: string,
    service: Stored<Service>,
    condition: WantedCondition,
    manager: string,
    delayMs: number,
    retries: number,
  ): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#pending.delete(id);
      const writing = this.#write(service, condition, manager).then(
        () => undefined,
        (error: unknown) =>
          this.#failed(error, () => this.#later(id, service, condition, manager, retryMs, retries + 1), retries),
      );
      this.#writing.add(writing);
      void writing.finally(() => this.#writing.delete(writing));
    });
    this.#pending.set(id, { cancel });
  }

  async #write(service: Stored<Service>, { type, wanted }: WantedCondition, manager: string): Promise<void> {
    const { namespace = '', name, uid, generation } = service.metadata;
    const present = service.status?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime =
      present !== undefined && present.status === wanted?.status
        ? present.lastTransitionTime
        : new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    // Nothing applied is nothing owned: that removes the condition.
    const status = wanted === undefined ? {} : { conditions: [{ type, ...wanted, lastTransitionTime, ...observed }] };
    await this.#options.client.patch(
      services,
      { namespace, name },
      'apply',
      // With its uid, a Service deleted meanwhile is not made anew.
      { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name, uid }, status },
      { subresource: 'status', fieldManager: manager, force: true },
    );
  }

  #failed(error: unknown, retry: () => void, retries: number): void {
    if (this.#stopped) return;
    const code = error instanceof ApiError ? error.code : 0;
    // Deleted, or made anew: its new version comes by watch.
    if (code === 404 || code === 409) return;
    if (code === 403) {
      if (!this.#forbidden) {
        this.#options.log('warn', 'Conditions of Services are not written: no right to patch services/status', {});
      }
      this.#forbidden = true;
      return;
    }
    if (retries < mostRetries) retry();
    else this.#options.log('warn', 'A condition of a Service cannot be written', { error: String(error) });
  }
}
