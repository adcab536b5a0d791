import type { UndoJournal } from './undo-journal.ts';

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
  readonly #journal: UndoJournal | undefined;

  /** With a journal, every change can be taken back. */
  constructor(journal?: UndoJournal) {
    this.#journal = journal;
  }

  #remember(frontend: FrontendKey): void {
    if (this.#journal === undefined) return;
    const owner = this.#owners.get(frontend);
    const waiting = this.#waiting.get(frontend);
    const copy = waiting === undefined ? undefined : new Set(waiting);
    this.#journal.record(() => {
      if (owner === undefined) this.#owners.delete(frontend);
      else this.#owners.set(frontend, owner);
      if (copy === undefined) this.#waiting.delete(frontend);
      else this.#waiting.set(frontend, copy);
    });
  }

  /** True when `owner` now has, or already had, the frontend. Otherwise it waits for it. */
  claim(frontend: FrontendKey, owner: string): boolean {
    const current = this.#owners.get(frontend);
    if (current === undefined) {
      this.#remember(frontend);
      this.#owners.set(frontend, owner);
      this.#waiting.get(frontend)?.delete(owner);
      return true;
    }
    if (current === owner) return true;
    this.#remember(frontend);
    const waiting = this.#waiting.get(frontend);
    if (waiting === undefined) this.#waiting.set(frontend, new Set([owner]));
    else waiting.add(owner);
    return false;
  }

  /** Gives up a frontend, owned or waited for. Returns the owners to ask again. */
  release(frontend: FrontendKey, owner: string): readonly string[] {
    this.#remember(frontend);
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
