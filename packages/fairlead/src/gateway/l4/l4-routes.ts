// Hot path: find() and chooseBackend() run once per connection.
import type { L4Route } from '../../routing/route-table.ts';
import type { Random } from '../../sys/clock.ts';
import type { BackendRuntime } from '../backend-runtime.ts';
import { HostIndex } from '../host-index.ts';

/** A relayed route ready to run. Connections hold it, so it never changes. */
export interface CompiledL4Route {
  readonly route: L4Route;
  readonly backends: readonly BackendRuntime[];
  /** Sums of the weights so far, by backend. */
  readonly weightSums: readonly number[];
  readonly connectMs: number;
  readonly idleMs: number;
}

/** Compiles a route; backends without weight are left out. */
export function compileL4Route(route: L4Route, backendOf: (key: string) => BackendRuntime): CompiledL4Route {
  const weighted = route.backends.filter(({ weight }) => weight > 0);
  let sum = 0;
  const weightSums = weighted.map(({ weight }) => (sum += weight));
  const { connectMs, idleMs } = route;
  return { route, backends: weighted.map(({ backend }) => backendOf(backend)), weightSums, connectMs, idleMs };
}

/** A backend by weight; undefined when the route has none. */
export function chooseL4Backend({ backends, weightSums }: CompiledL4Route, random: Random): BackendRuntime | undefined {
  if (backends.length <= 1) return backends[0];
  const at = random() * weightSums[weightSums.length - 1]!;
  return backends[weightSums.findIndex((sum) => at < sum)];
}

/** Relayed routes of one listener by server name: exact, wildcard, `*`. */
export class L4Routes {
  readonly #byName = new HostIndex<CompiledL4Route>();
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  set(hostname: string, route: CompiledL4Route | undefined): void {
    const before = this.#byName.get(hostname);
    this.#byName.set(hostname, route);
    this.#count += (route === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  }

  /** The route for a server name; without a name only the one for any. */
  find(serverName: string | undefined): CompiledL4Route | undefined {
    if (this.#count === 0) return undefined;
    if (serverName === undefined) return this.#byName.get('*');
    const name = Buffer.from(serverName, 'latin1');
    return this.#byName.find(name, 0, name.length);
  }
}
