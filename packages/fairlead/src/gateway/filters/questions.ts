import type { DearAnswer, DearQuestion } from '../worker-messages.ts';
import type { FilterServices } from './filter-services.ts';

/** Questions of one worker that are under way at a time; beyond, the answer is that it cannot be done. */
const PENDING_MAX = 64;

/**
 * What a worker has the main thread find out, whose thread pool takes the time that it costs. `Q`: a question, `A`:
 * its answer, both as they are sent.
 */
export class Questions<Q, A> {
  readonly #send: (id: number, question: Q) => void;
  readonly #pending: Map<number, ((answer: A) => void) | undefined> = new Map();
  #nextId = 1;

  constructor(send: (id: number, question: Q) => void) {
    this.#send = send;
  }

  /** `done` follows later. Returns how to give up; undefined when there are too many questions already. */
  ask(question: Q, done: (answer: A) => void): (() => void) | undefined {
    if (this.#pending.size >= PENDING_MAX) return undefined;
    const id = this.#nextId++;
    this.#pending.set(id, done);
    this.#send(id, question);
    // A question that nobody waits for any more still takes a thread until it is answered.
    return () => this.#pending.set(id, undefined);
  }

  answer(id: number, answer: A): void {
    const done = this.#pending.get(id);
    this.#pending.delete(id);
    done?.(answer);
  }
}

/** What filters may ask that is dear, as questions. */
export function askingServices(
  questions: Questions<DearQuestion, DearAnswer>,
): Pick<FilterServices, 'checkPassword' | 'verifySignature' | 'inflate'> {
  return {
    checkPassword: (hash, password, done) =>
      questions.ask({ type: 'password', hash, password }, (answer) =>
        done(typeof answer === 'boolean' ? answer : undefined),
      ),
    verifySignature: (question, done) =>
      questions.ask({ type: 'signature', ...question }, (answer) => done(answer === true)),
    inflate: (question, done) =>
      questions.ask({ type: 'inflate', ...question }, (answer) =>
        done(typeof answer === 'object' ? answer : undefined),
      ),
  };
}
