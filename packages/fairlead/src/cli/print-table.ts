import type { Table, TableColumnDefinition } from '@fairlead/api';

/** What of a table is shown. Default: the columns of priority 0, with headers. */
export interface TableView {
  /** Columns of priority 1 too. */
  readonly wide?: boolean;
  /** A NAMESPACE column first, from each row's object. */
  readonly namespaces?: boolean;
  readonly headers?: boolean;
}

/** What makes the server answer with a {@link Table}. */
export const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** The lines of a server's Table: upper-case headings, columns as wide as their widest cell, three spaces between. */
export function formatTable(table: Table, view: TableView = {}): string[] {
  const columns = (table.columnDefinitions ?? [])
    .map((column, at) => ({ column, at }))
    .filter(({ column }) => view.wide === true || (column.priority ?? 0) === 0);
  const rows = (table.rows ?? []).map((row) => {
    const cells = columns.map(({ column, at }) => formatCell(row.cells?.[at], column));
    if (view.namespaces !== true) return cells;
    const { metadata } = (row.object ?? {}) as { readonly metadata?: { readonly namespace?: string } };
    return [metadata?.namespace ?? '', ...cells];
  });
  const heads = columns.map(({ column }) => (column.name ?? '').toUpperCase());
  if (view.namespaces === true) heads.unshift('NAMESPACE');
  return alignColumns(view.headers === false ? rows : [heads, ...rows]);
}

/** Left-aligned columns, three spaces apart, no space at the end of a line. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

function formatCell(cell: unknown, column: TableColumnDefinition): string {
  if (cell === null || cell === undefined) return column.type === 'string' ? '<none>' : '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
