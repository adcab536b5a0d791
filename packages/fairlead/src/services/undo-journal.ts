/** Takes back changes of in-memory state, newest first, when what they stood for was refused. */
export class UndoJournal {
  #steps: (() => void)[] = [];

  /** `undo` must restore exactly what the change about to be made replaces. */
  record(undo: () => void): void {
    this.#steps.push(undo);
  }

  /** The changes stand: forgets how to take them back. */
  accept(): void {
    this.#steps = [];
  }

  /** Takes back everything since the last {@link accept} or rollback. */
  rollback(): void {
    const steps = this.#steps;
    this.#steps = [];
    for (let index = steps.length - 1; index >= 0; index--) steps[index]?.();
  }
}
