import { isJsonObject } from '../../own-property.ts';
import { ensureObject, type JsonObject, setDefaultText } from './fields.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Defaults of a RoleBinding or ClusterRoleBinding: users, groups and roles are of the RBAC group. */
export function applyBindingDefaults(binding: JsonObject): void {
  setDefaultText(ensureObject(binding, 'roleRef'), 'apiGroup', GROUP);
  for (const subject of Array.isArray(binding.subjects) ? binding.subjects : []) {
    if (!isJsonObject(subject)) continue;
    if (subject.kind === 'User' || subject.kind === 'Group') setDefaultText(subject as JsonObject, 'apiGroup', GROUP);
  }
}
