import { humanDuration } from '../duration.ts';
import { isJsonNumber } from '../json-number.ts';
import { isJsonObject } from '../own-property.ts';
import type { ColumnFacts } from '../schema/resource-facts.ts';
import type { DefinitionVersion } from './definition.ts';
import { type JsonPath, jsonPathValues, parseJsonPath } from './json-path.ts';

/** A column of a custom resource's Table. */
export interface PrinterColumn {
  readonly facts: ColumnFacts & { readonly description: string };
  readonly path: JsonPath;
}

/** The columns after Name: the declared ones, or Age. */
export function printerColumns(version: DefinitionVersion): PrinterColumn[] {
  const declared = version.additionalPrinterColumns ?? [];
  if (declared.length === 0) {
    const facts = { name: 'Age', type: 'date', format: '', priority: 0, description: 'When the object was created.' };
    return [{ facts, path: ['metadata', 'creationTimestamp'] }];
  }
  return declared.map((column) => ({
    facts: {
      name: column.name,
      type: column.type,
      format: column.format ?? '',
      priority: column.priority ?? 0,
      description: describedAs(column),
    },
    path: parseJsonPath(column.jsonPath) ?? [],
  }));
}

/** A column without a description is described by its path. */
function describedAs({ description, jsonPath }: { readonly description?: string; readonly jsonPath: string }): string {
  return description ? description : `Custom resource definition column (in JSONPath format): ${jsonPath}`;
}

/** The cells of one object: its name and one per column. */
export function printerCells(object: object, columns: readonly PrinterColumn[], nowMs: number): unknown[] {
  const metadata = (object as { metadata?: { name?: string } }).metadata;
  return [
    metadata?.name ?? '',
    ...columns.map(({ facts, path }) => cell(jsonPathValues(object, path), facts.type, nowMs)),
  ];
}

function cell(values: readonly unknown[], type: string, nowMs: number): unknown {
  const value = values.length > 0 ? values[0] : undefined;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'bigint' ? value : typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return isJsonNumber(value) ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      if (typeof value !== 'string') return null;
      const time = Date.parse(value);
      return Number.isNaN(time) ? '<invalid>' : humanDuration(nowMs - time);
    }
    default:
      // Of several values the first one is shown.
      return text(value);
  }
}

function text(value: unknown): string {
  return Array.isArray(value) || isJsonObject(value) ? JSON.stringify(value) : String(value);
}
