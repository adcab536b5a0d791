import { badRequest, invalid, StatusError } from '../server/status-error.ts';
import type { KubeObject } from '../watch/kube-object.ts';

/** `dryRun=All`; any other value is refused. */
export function isDryRun(query: URLSearchParams, options: string): boolean {
  const values = query.getAll('dryRun');
  if (values.length === 0) return false;
  if (values.every((value) => value === 'All')) return true;
  throw invalid({ group: 'meta.k8s.io', kind: options }, '', [
    {
      reason: 'FieldValueNotSupported',
      field: 'dryRun',
      message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
    },
  ]);
}

/** The name in the body must be that of the URL. */
export function checkName(object: KubeObject, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}

/** A conflict that a retry on the newest version may cure. */
export function isStale(error: unknown): boolean {
  return error instanceof StatusError && error.status.reason === 'Conflict';
}
