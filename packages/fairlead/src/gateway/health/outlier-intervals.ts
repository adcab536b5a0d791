import { type EndpointMemory, OutlierDetector } from '@fairlead/balance';
import type { OutlierPolicy } from '../../routing/backend-policies.ts';
import type { RouteTableDiff } from '../../routing/route-table.ts';
import type { Clock, Random } from '../../sys/clock.ts';
import { endpointLabel } from '../endpoint-runtime.ts';

/** Backends whose endpoints are compared with each other, each with its timer. */
interface Compared {
  readonly policy: OutlierPolicy;
  readonly detector: OutlierDetector;
  labels: readonly string[];
  cancel: () => void;
}

/** Runs the ejection rules that compare endpoints (success rate, failure percentage), in the main thread. */
export class OutlierIntervals {
  readonly #memory: EndpointMemory;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #compared: Map<string, Compared> = new Map();
  readonly #onEjected: (count: number) => void;

  constructor(memory: EndpointMemory, clock: Clock, random: Random, onEjected: (count: number) => void) {
    this.#memory = memory;
    this.#clock = clock;
    this.#random = random;
    this.#onEjected = onEjected;
  }

  update(backends: RouteTableDiff['backends']): void {
    for (const [key, backend] of backends) {
      const policy = backend?.policy?.outlier ?? 'off';
      const before = this.#compared.get(key);
      if (policy === 'off' || (policy.successRateFactor === 'off' && policy.failurePercentage === 'off')) {
        before?.cancel();
        this.#compared.delete(key);
        continue;
      }
      const labels = (backend?.endpoints ?? []).map(endpointLabel);
      if (before !== undefined && JSON.stringify(before.policy) === JSON.stringify(policy)) {
        before.labels = labels;
        continue;
      }
      before?.cancel();
      const detector = new OutlierDetector(this.#memory, policy, this.#random);
      const compared: Compared = { policy, detector, labels, cancel: () => {} };
      this.#compared.set(key, compared);
      this.#schedule(compared);
    }
  }

  #schedule(compared: Compared): void {
    compared.cancel = this.#clock.after(compared.policy.intervalMs, () => {
      const slots = compared.labels.map((label) => this.#memory.find(label)).filter((slot) => slot >= 0);
      const ejected = compared.detector.endInterval(slots, this.#clock.now());
      if (ejected > 0) this.#onEjected(ejected);
      this.#schedule(compared);
    });
  }

  stop(): void {
    for (const { cancel } of this.#compared.values()) cancel();
    this.#compared.clear();
  }
}
