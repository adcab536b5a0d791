/** Longest schedule: how exact the shares are. */
const maxLength = 256;

/**
 * Which of `weights.length` things comes first, turn by turn: each as often as its weight says, spread as
 * evenly as can be (smooth weighted round robin). Empty when no weight is above 0.
 */
export function weightedSchedule(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return [];
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  // More things than turns: each gets at least its share of whole turns, rounded by the method itself.
  const length = Math.min(maxLength, total / divisor);
  const credits = weights.map(() => 0);
  return Array.from({ length }, () => {
    let best = 0;
    for (const [index, weight] of weights.entries()) {
      credits[index]! += weight;
      if (credits[index]! > credits[best]!) best = index;
    }
    credits[best]! -= total;
    return best;
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
