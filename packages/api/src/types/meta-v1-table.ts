// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, RawExtension } from './meta-v1.ts';

/** `meta.v1.Table` */
export interface Table {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  columnDefinitions?: TableColumnDefinition[] | undefined;
  rows?: TableRow[] | undefined;
}

/** `meta.v1.TableColumnDefinition` */
export interface TableColumnDefinition {
  name?: string | undefined;
  type?: string | undefined;
  format?: string | undefined;
  description?: string | undefined;
  priority?: number | undefined;
}

/** `meta.v1.TableOptions` */
export interface TableOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  includeObject?: string | undefined;
}

/** `meta.v1.TableRow` */
export interface TableRow {
  cells?: unknown[] | undefined;
  conditions?: TableRowCondition[] | undefined;
  object?: RawExtension | undefined;
}

/** `meta.v1.TableRowCondition` */
export interface TableRowCondition {
  type?: string | undefined;
  status?: string | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}
