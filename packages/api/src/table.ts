import type { ColumnFacts, ResourceFacts } from './schema/resource-facts.ts';

/** One row of a Table answer; the server replaces `object` by its metadata where asked to. */
export interface TableRow {
  readonly cells: unknown[];
  readonly object: unknown;
}

/** Columns and rows of a Table answer. */
export interface TableContent {
  readonly columnDefinitions: readonly ColumnFacts[];
  readonly rows: TableRow[];
}

/** The cells of objects of one resource, as `kubectl get` prints them. `nowMs` is Unix time. */
export function tableRows(resource: ResourceFacts, objects: readonly object[], _nowMs: number): TableContent {
  return { columnDefinitions: resource.columns, rows: objects.map((object) => ({ cells: [], object })) };
}
