import { isJsonObject } from '../own-property.ts';

/**
 * What the specification of a claim lacks to name what it is filled from in both forms, `dataSource` and `dataSourceRef`;
 * nothing when that is in another namespace, which only the second form can say.
 */
export function missingDataSource(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { dataSource, dataSourceRef } = spec;
  if (isJsonObject(dataSource) && dataSourceRef === undefined) return { dataSourceRef: { ...dataSource } };
  if (!isJsonObject(dataSourceRef) || dataSource !== undefined || (dataSourceRef.namespace ?? '') !== '') return {};
  const { namespace: _, ...local } = dataSourceRef;
  return { dataSource: local };
}
