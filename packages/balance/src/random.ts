// Hot path: typed arrays, nothing allocated per pick.
import { nextUsable } from './balancer.ts';
import { DrawingBalancer } from './weighted-draw.ts';

/** Each pick is independent; endpoint i has probability weight / sum. O(1). */
export class WeightedRandom extends DrawingBalancer {
  pick(avoid = -1): number {
    if (this.isEmpty) return -1;
    const index = this.draw();
    if (index !== avoid) return index;
    // A second draw keeps the shares of the others roughly; the fallback ends the search.
    const second = this.draw();
    return second !== avoid ? second : nextUsable(this.weights, avoid);
  }
}
