import { jsonEqual } from '@fairlead/api';
import { isAdministrator, type UserInfo } from '../server/api-request.ts';
import { forbidden, type NamedResource, notFound } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type Authorizer, rbacGroup } from './authorizer.ts';
import { fullAuthority, missingRules, quotedList, rulesText } from './escalation.ts';
import { type PolicyRule, policyRules } from './policy-rule.ts';

const roleKinds: Readonly<Record<string, NamedResource>> = {
  Role: { group: rbacGroup, plural: 'roles', kind: 'Role' },
  ClusterRole: { group: rbacGroup, plural: 'clusterroles', kind: 'ClusterRole' },
};

/**
 * Nobody grants more than they hold: refuses a role or binding whose rules its writer lacks, unless
 * the writer has the verb `escalate` on the role or `bind` on the role a binding names.
 */
export function admitRoleChange(
  authorizer: Authorizer,
  user: UserInfo,
  resource: NamedResource,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (resource.group !== rbacGroup || isAdministrator(user)) return;
  if (old !== undefined && sameContent(object, old)) return;
  if (resource.kind === 'Role' || resource.kind === 'ClusterRole') admitRole(authorizer, user, resource, object, old);
  else admitBinding(authorizer, user, resource, object);
}

function admitRole(
  authorizer: Authorizer,
  user: UserInfo,
  resource: NamedResource,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  const { name = '', namespace = '' } = object.metadata;
  if (mayUse(authorizer, user, 'escalate', resource, namespace, name)) return;
  const why = lacking(authorizer, user, namespace, policyRules(object));
  if (why !== undefined) throw forbidden(resource, name, why);
  const aggregates = object.aggregationRule !== undefined;
  if (!aggregates || (old !== undefined && same(object.aggregationRule, old.aggregationRule))) return;
  if (lacking(authorizer, user, namespace, fullAuthority) === undefined) return;
  throw forbidden(resource, name, 'must have cluster-admin privileges to use an aggregationRule');
}

function admitBinding(authorizer: Authorizer, user: UserInfo, resource: NamedResource, object: KubeObject): void {
  const { name = '', namespace = '' } = object.metadata;
  const ref = recordOf(object.roleRef) ?? {};
  const roleName = String(ref.name ?? '');
  const role = roleKinds[String(ref.kind ?? '')];
  if (role === undefined) return;
  if (mayUse(authorizer, user, 'bind', role, namespace, roleName)) return;
  const rules = authorizer.rulesOfRole(namespace, role.kind, roleName);
  if (rules === undefined) throw notFound(role, roleName);
  const why = lacking(authorizer, user, namespace, rules);
  if (why !== undefined) throw forbidden(resource, name, why);
}

function mayUse(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  role: NamedResource,
  namespace: string,
  name: string,
): boolean {
  const wanted = { verb, group: rbacGroup, version: 'v1', resource: role.plural, subresource: '', namespace, name };
  return authorizer.resource(user, wanted).allowed;
}

/** What a user would have to hold to grant these rules, as text; `undefined`: nothing is missing. */
function lacking(
  authorizer: Authorizer,
  user: UserInfo,
  namespace: string,
  rules: readonly PolicyRule[],
): string | undefined {
  const missing = missingRules(authorizer.rulesFor(user, namespace), rules);
  if (missing.length === 0) return undefined;
  const who = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)})`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${rulesText(missing)}`;
}

/** Fields that garbage collection changes; a write of these alone grants nothing. */
const collectorFields: ReadonlySet<string> = new Set([
  'ownerReferences',
  'finalizers',
  'managedFields',
  'resourceVersion',
  'generation',
]);

/** Labels count as content: aggregation goes by them. */
function sameContent(object: KubeObject, old: KubeObject): boolean {
  const content = ({ metadata, ...rest }: KubeObject): object => ({
    ...rest,
    metadata: Object.fromEntries(Object.entries(metadata).filter(([field]) => !collectorFields.has(field))),
  });
  return jsonEqual(content(object), content(old));
}

function same(left: unknown, right: unknown): boolean {
  return jsonEqual(left ?? null, right ?? null);
}
