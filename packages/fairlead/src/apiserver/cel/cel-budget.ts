/** Steps of CEL loops and of searches in texts that one request may take. */
const stepsPerRequest = 400_000;

/**
 * Bounds the work of CEL expressions by counting loop turns and looked-at characters.
 *
 * Evaluation is synchronous, so the budget in use is one module variable; programs set it for
 * the time of one run.
 */
export class CelBudget {
  #left: number;

  constructor(steps: number = stepsPerRequest) {
    this.#left = steps;
  }

  /** True once the steps are used up; what was evaluated since then means nothing. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** Takes steps; false when there are none left. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}

let current = new CelBudget();

/** Runs a function under a budget. */
export function withBudget<T>(budget: CelBudget, run: () => T): T {
  const outer = current;
  current = budget;
  try {
    return run();
  } finally {
    current = outer;
  }
}

/** Takes steps from the budget in use. */
export function spendSteps(steps: number): boolean {
  return current.spend(steps);
}
