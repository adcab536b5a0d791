import type { FromWorker } from '../worker-messages.ts';

/** Passwords that one worker has checked at a time; beyond, the answer is that it cannot be done. */
const PENDING_MAX = 64;

type Done = (matches: boolean | undefined) => void;

/** Passwords that a worker has compared by the main thread, whose thread pool takes the time that they cost. */
export class PasswordQuestions {
  readonly #send: (message: FromWorker) => void;
  readonly #pending: Map<number, Done | undefined> = new Map();
  #nextId = 1;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  /** `done` follows later. Returns how to give up; undefined when there are too many questions already. */
  ask(hash: string, password: string, done: Done): (() => void) | undefined {
    if (this.#pending.size >= PENDING_MAX) return undefined;
    const id = this.#nextId++;
    this.#pending.set(id, done);
    this.#send({ type: 'password', id, hash, password });
    // A question that nobody waits for any more still takes a thread until it is answered.
    return () => this.#pending.set(id, undefined);
  }

  answer(id: number, matches: boolean | undefined): void {
    const done = this.#pending.get(id);
    this.#pending.delete(id);
    done?.(matches);
  }
}
