import type { OpenApiNode } from './components.ts';

function query(name: string, type: 'string' | 'boolean' | 'integer', description: string): OpenApiNode {
  return { name, in: 'query', description, schema: { type, uniqueItems: true } };
}

/** A required part of the path. */
export function pathParameter(name: 'name' | 'namespace'): OpenApiNode {
  const description = name === 'name' ? 'Name of the object.' : 'Namespace of the object.';
  return { name, in: 'path', description, required: true, schema: { type: 'string', uniqueItems: true } };
}

/** `pretty`: indented JSON. */
export const prettyParameter: OpenApiNode = query('pretty', 'string', 'If "true", the answer is indented.');

const dryRun = query('dryRun', 'string', 'All: do everything but storing the result.');
const fieldManager = query('fieldManager', 'string', 'Name under which the fields of this write are owned.');
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What happens to unknown and duplicate fields: Ignore, Warn (default) or Strict.',
);
const force = query('force', 'boolean', 'For server-side apply: take fields over from other managers.');

/** Parameters of operations that write an object. */
export function bodyParameters(patch: boolean): readonly OpenApiNode[] {
  return [dryRun, fieldManager, fieldValidation, ...(patch ? [force] : [])];
}

/** Parameters of deletions. */
export const deleteParameters: readonly OpenApiNode[] = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds until the object is gone; 0 is at once.'),
  query(
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'boolean',
    'Whether an object that cannot be read may be deleted; it breaks what depends on it.',
  ),
  query('orphanDependents', 'boolean', 'Old form of propagationPolicy.'),
  query('propagationPolicy', 'string', 'What happens to dependents: Orphan, Background or Foreground.'),
];

/** Parameters that choose objects: of lists, and of deletions of many. */
const choice: readonly OpenApiNode[] = [
  query('continue', 'string', 'Token of the next page of a list.'),
  query('fieldSelector', 'string', 'Only objects with these field values.'),
  query('labelSelector', 'string', 'Only objects with these labels.'),
  query('limit', 'integer', 'Length of a page.'),
  query('resourceVersion', 'string', 'Version of the data that is asked for.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'Whether a watch begins with the present objects.'),
  query('timeoutSeconds', 'integer', 'Length of a watch.'),
];

/** Parameters of lists and watches. */
export const listParameters: readonly OpenApiNode[] = inNameOrder([
  query('allowWatchBookmarks', 'boolean', 'Whether a watch may send BOOKMARK events.'),
  ...choice,
  query('watch', 'boolean', 'Whether changes are streamed.'),
]);

/** Parameters of the deletion of many objects. */
export const deleteManyParameters: readonly OpenApiNode[] = inNameOrder([...choice, ...deleteParameters]);

/** Parameters in the order documents have them. */
export function inNameOrder(parameters: readonly OpenApiNode[]): readonly OpenApiNode[] {
  return [...parameters].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
}
