/** A place where connections arrive: `IPv4/10.96.0.1/TCP/80`, or `IPv4/node-port/TCP/30080`. */
export type FrontendKey = string;

/**
 * Who owns which frontend, when two Services ask for the same one.
 *
 * External IPs and load balancer addresses are the users' choice, so two
 * Services can name the same address and port. The first keeps it; the others
 * wait, and are told when it becomes free.
 */
export class FrontendClaims {
  readonly #owners = new Map<FrontendKey, string>();
  readonly #waiting = new Map<FrontendKey, Set<string>>();

  /** True when `owner` now has, or already had, the frontend. Otherwise it waits for it. */
  claim(frontend: FrontendKey, owner: string): boolean {
    const current = this.#owners.get(frontend);
    if (current === undefined) {
      this.#owners.set(frontend, owner);
      this.#waiting.get(frontend)?.delete(owner);
      return true;
    }
    if (current === owner) return true;
    const waiting = this.#waiting.get(frontend);
    if (waiting === undefined) this.#waiting.set(frontend, new Set([owner]));
    else waiting.add(owner);
    return false;
  }

  /** Gives up a frontend, owned or waited for. Returns the owners to ask again. */
  release(frontend: FrontendKey, owner: string): readonly string[] {
    const waiting = this.#waiting.get(frontend);
    if (this.#owners.get(frontend) !== owner) {
      waiting?.delete(owner);
      if (waiting?.size === 0) this.#waiting.delete(frontend);
      return [];
    }
    this.#owners.delete(frontend);
    this.#waiting.delete(frontend);
    return waiting === undefined ? [] : [...waiting];
  }

  ownerOf(frontend: FrontendKey): string | undefined {
    return this.#owners.get(frontend);
  }
}
