import { AdmissionControl, GradientLimit, type LimitMemory } from '@fairlead/balance';
import type { BackendPolicy } from '../routing/backend-policies.ts';
import type { Random } from '../sys/clock.ts';

/** The limits of a backend in one worker that go by how its requests went, in all workers. */
export class LearntLimits {
  gradient: GradientLimit | undefined = undefined;
  admission: AdmissionControl | undefined = undefined;
  readonly #memory: LimitMemory;
  readonly #random: Random;
  #text = '';
  #slot: number | undefined = undefined;
  /** Slots of settings before, on which requests under way still count. */
  readonly #left: number[] = [];

  constructor(memory: LimitMemory, random: Random) {
    this.#memory = memory;
    this.#random = random;
  }

  /** Takes the settings of a policy (undefined: there is no backend any more); what was learnt of `identity` goes on. */
  update(policy: BackendPolicy | undefined, identity: string): void {
    const { adaptiveConcurrency = 'off', admission = 'off' } = policy ?? {};
    const isOff = adaptiveConcurrency === 'off' && admission === 'off';
    const text = isOff ? '' : JSON.stringify([identity, adaptiveConcurrency, admission]);
    if (text === this.#text) return;
    this.#text = text;
    const before = this.#slot;
    const memory = this.#memory;
    const slot = isOff ? undefined : memory.acquire(identity);
    const random = this.#random;
    this.#slot = slot;
    this.gradient =
      slot === undefined || adaptiveConcurrency === 'off'
        ? undefined
        : new GradientLimit({ random, ...adaptiveConcurrency }, memory.gradient(slot));
    this.admission =
      slot === undefined || admission === 'off'
        ? undefined
        : new AdmissionControl({ random, ...admission }, memory.admission(slot));
    if (before !== undefined) this.#left.push(before);
  }

  /** No request of this worker is under way: slots that were left are free. */
  settle(): void {
    for (const slot of this.#left.splice(0)) this.#memory.release(slot);
  }
}
