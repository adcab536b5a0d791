/** Rows that a column can have: more than the largest table has names. Only address space until they are used. */
export const columnMaxRows: number = 1 << 24;
const initialRows = 1 << 14;
/** What is tried in turn, where address space is scarce (ulimit -v). */
const reservedRows = [columnMaxRows, 1 << 22, 1 << 20];

/**
 * A column of 32-bit numbers that grows; rows never set are 0. It grows in place: a copy of twice the size each time would
 * leave as much freed memory behind as the column takes.
 */
export class IntColumn {
  readonly #buffer: ArrayBuffer = reserve();
  #values: Int32Array<ArrayBuffer> = new Int32Array(this.#buffer, 0, initialRows);

  get(row: number): number {
    return row < this.#values.length ? this.#values[row]! : 0;
  }

  /** @throws RangeError when there is no room for so many rows. */
  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#grow(row + 1);
    this.#values[row] = value;
  }

  #grow(rows: number): void {
    const maxRows = this.#buffer.maxByteLength / 4;
    if (rows > maxRows) throw new RangeError(`a column has at most ${maxRows} rows`);
    const grown = Math.min(maxRows, Math.max(rows, Math.ceil(this.#values.length * 1.25)));
    this.#buffer.resize(grown * 4);
    this.#values = new Int32Array(this.#buffer, 0, grown);
  }
}

function reserve(): ArrayBuffer {
  for (const rows of reservedRows) {
    try {
      return new ArrayBuffer(initialRows * 4, { maxByteLength: rows * 4 });
    } catch {
      // Less address space than that.
    }
  }
  throw new RangeError('no address space for a column');
}
