/** A column of 32-bit numbers that grows; rows never set are 0. */
export class IntColumn {
  #values: Int32Array<ArrayBuffer> = new Int32Array(256);

  get(row: number): number {
    return row < this.#values.length ? this.#values[row]! : 0;
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) {
      const grown = new Int32Array(Math.max(row + 1, this.#values.length * 2));
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[row] = value;
  }
}
