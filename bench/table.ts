/** One column: its heading and how its cells are aligned. Default: text left, numbers right. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** What stands in one place of a table; a number is set to the right. */
export type Cell = string | number;

/**
 * Renders rows as a table that reads well in a terminal and is Markdown at the same time.
 * A column is right-aligned when all its cells are numbers or begin with a digit.
 */
function renderTable(columns: readonly (Column | string)[], rows: readonly (readonly Cell[])[]): string {
  const heads = columns.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const text = rows.map((row) => heads.map((_, at) => formatCell(row[at] ?? '')));
  const right = heads.map(
    (head, at) =>
      (head.align ?? (text.length > 0 && text.every((row) => /^[-+]?\d|^$|^-$/.test(row[at]!)) ? 'right' : 'left')) ===
      'right',
  );
  const widths = heads.map((head, at) => Math.max(3, head.title.length, ...text.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (right[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (right[at] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [line(heads.map((head) => head.title)), rule, ...text.map(line)].join('\n');
}

/** Prints a titled table to stdout. */
export function printTable(
  title: string,
  columns: readonly (Column | string)[],
  rows: readonly (readonly Cell[])[],
): void {
  process.stdout.write(`\n${title}\n\n${renderTable(columns, rows)}\n`);
}

/** Numbers get three significant digits and a thousands separator; integers stay whole. */
export function formatCell(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '-';
  if (Number.isInteger(cell)) return cell.toLocaleString('en-US');
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(cell))));
  return cell.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(digits, 6),
    maximumFractionDigits: Math.min(digits, 6),
  });
}

/** The middle value; the mean of the two middle ones for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The `q` quantile (0..1), linear between neighbours; NaN for no values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
