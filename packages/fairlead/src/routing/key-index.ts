const nothing: ReadonlySet<string> = new Set();

/** A many-to-many relation between keys; empty entries are dropped. */
export class KeyIndex {
  readonly #members = new Map<string, Set<string>>();

  get(key: string): ReadonlySet<string> {
    return this.#members.get(key) ?? nothing;
  }

  add(key: string, member: string): void {
    const members = this.#members.get(key);
    if (members === undefined) this.#members.set(key, new Set([member]));
    else members.add(member);
  }

  delete(key: string, member: string): void {
    const members = this.#members.get(key);
    if (members?.delete(member) === true && members.size === 0) this.#members.delete(key);
  }
}
