import type { ClusterRoleBinding, Role, RoleBinding, Subject } from '../types.ts';
import { ageOf, nameOf } from './cells.ts';

/** NAME CREATED-AT, for Roles and ClusterRoles. */
export function roleCells(role: Role): unknown[] {
  return [nameOf(role), role.metadata?.creationTimestamp ?? null];
}

/** NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS, for bindings of both scopes. */
export function roleBindingCells(object: object, nowMs: number): unknown[] {
  const binding = object as Partial<RoleBinding & ClusterRoleBinding>;
  const { roleRef, subjects } = binding;
  const names = (kind: string, text: (subject: Subject) => string): string =>
    (subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(text)
      .join(', ');
  return [
    nameOf(binding),
    `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
    ageOf(binding, nowMs),
    names('User', ({ name }) => name),
    names('Group', ({ name }) => name),
    names('ServiceAccount', ({ name, namespace }) => `${namespace ?? ''}/${name}`),
  ];
}
