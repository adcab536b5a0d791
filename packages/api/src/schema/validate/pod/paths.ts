import { type FieldCause, invalid } from '../../field-cause.ts';

/** Checks that a path has no `..` part. */
export function checkNoBacksteps(path: string, field: string): FieldCause[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** Checks that a path is relative and has no `..` part. */
export function checkDescendingPath(path: string, field: string): FieldCause[] {
  const causes = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...causes, ...checkNoBacksteps(path, field)];
}

/** Checks the path of a file that a volume makes: relative, and no name that the volume keeps for itself. */
export function checkFilePath(path: string, field: string): FieldCause[] {
  const causes = checkDescendingPath(path, field);
  if (path.startsWith('..') && !path.startsWith('../')) causes.push(invalid(field, path, "must not start with '..'"));
  return causes;
}
