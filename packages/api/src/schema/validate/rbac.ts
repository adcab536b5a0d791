import { dns1123SubdomainErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { type FieldCause, invalid, notSupported, required } from '../field-cause.ts';
import { type JsonObject, objectIn, objectsIn, stringsIn, textIn } from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Checks the rules of a Role: namespaced, so without paths. */
export function validateRole(role: JsonObject): FieldCause[] {
  return objectsIn(role, 'rules').flatMap((rule, index) => validateRule(rule, `rules[${index}]`, true));
}

/** Checks the rules and the aggregation rule of a ClusterRole. */
export function validateClusterRole(role: JsonObject): FieldCause[] {
  const causes = objectsIn(role, 'rules').flatMap((rule, index) => validateRule(rule, `rules[${index}]`, false));
  if (role.aggregationRule === undefined) return causes;
  const selectors = objectsIn(objectIn(role, 'aggregationRule'), 'clusterRoleSelectors');
  const field = 'aggregationRule.clusterRoleSelectors';
  if (selectors.length === 0) {
    causes.push(required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  }
  for (const [index, selector] of selectors.entries()) {
    causes.push(...validateLabelSelector(selector, `${field}[${index}]`));
  }
  return causes;
}

function validateRule(rule: JsonObject, field: string, namespaced: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  if (stringsIn(rule, 'verbs').length === 0) {
    causes.push(required(`${field}.verbs`, 'verbs must contain at least one value'));
  }
  const urls = stringsIn(rule, 'nonResourceURLs');
  if (urls.length > 0) {
    if (namespaced) {
      causes.push(invalid(`${field}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs'));
    }
    const resourceFields = ['apiGroups', 'resources', 'resourceNames'];
    if (resourceFields.some((name) => stringsIn(rule, name).length > 0)) {
      causes.push(
        invalid(`${field}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs'),
      );
    }
    return causes;
  }
  if (stringsIn(rule, 'apiGroups').length === 0) {
    causes.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  }
  if (stringsIn(rule, 'resources').length === 0) {
    causes.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  }
  return causes;
}

/** Checks a RoleBinding; the role it names cannot change. */
export function validateRoleBinding(binding: JsonObject, old: JsonObject | undefined): FieldCause[] {
  return validateBinding(binding, old, ['Role', 'ClusterRole'], true);
}

/** Checks a ClusterRoleBinding; the role it names cannot change. */
export function validateClusterRoleBinding(binding: JsonObject, old: JsonObject | undefined): FieldCause[] {
  return validateBinding(binding, old, ['ClusterRole'], false);
}

function validateBinding(
  binding: JsonObject,
  old: JsonObject | undefined,
  kinds: readonly string[],
  namespaced: boolean,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const ref = objectIn(binding, 'roleRef');
  const group = textIn(ref, 'apiGroup');
  if (group !== GROUP) causes.push(notSupported('roleRef.apiGroup', group, [GROUP]));
  const kind = textIn(ref, 'kind');
  if (!kinds.includes(kind)) causes.push(notSupported('roleRef.kind', kind, kinds));
  const name = textIn(ref, 'name');
  if (name === '') causes.push(required('roleRef.name'));
  else for (const error of rbacNameErrors(name)) causes.push(invalid('roleRef.name', name, error));
  for (const [index, subject] of objectsIn(binding, 'subjects').entries()) {
    causes.push(...validateSubject(subject, `subjects[${index}]`, namespaced));
  }
  if (old !== undefined && !jsonEqual(old.roleRef ?? null, binding.roleRef ?? null)) {
    // The value is shown with the field names of the server's own type.
    const shown = { APIGroup: group, Kind: kind, Name: name };
    causes.push(invalid('roleRef', shown, 'cannot change roleRef'));
  }
  return causes;
}

function validateSubject(subject: JsonObject, field: string, namespaced: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = textIn(subject, 'name');
  if (name === '') causes.push(required(`${field}.name`));
  const kind = textIn(subject, 'kind');
  const group = textIn(subject, 'apiGroup');
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') {
        for (const error of dns1123SubdomainErrors(name)) causes.push(invalid(`${field}.name`, name, error));
      }
      if (group !== '') causes.push(notSupported(`${field}.apiGroup`, group, ['']));
      if (!namespaced && textIn(subject, 'namespace') === '') causes.push(required(`${field}.namespace`));
      return causes;
    case 'User':
    case 'Group':
      if (group !== GROUP) causes.push(notSupported(`${field}.apiGroup`, group, [GROUP]));
      return causes;
    default:
      causes.push(notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
      return causes;
  }
}

/** Names of roles and bindings are path segments, and nothing more is asked of them. */
export function rbacNameErrors(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((char) => name.includes(char)).map((char) => `may not contain '${char}'`);
}
