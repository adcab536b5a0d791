import type { InProcessClient } from '../client/in-process-client.ts';
import type { ServedResources } from '../resources/served-resources.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type ObjectCache, storeKey } from '../watch/object-cache.ts';
import { rbacGroup } from './authorizer.ts';
import { type DefaultRole, defaultClusterRoleBindings, defaultClusterRoles } from './default-roles.ts';
import { missingRules } from './escalation.ts';
import { policyRules, ruleJson, rulesOf } from './policy-rule.ts';

const autoUpdate = `rbac.authorization.kubernetes.io/autoupdate`;
const defaultLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' } as const;
const root = `/apis/${rbacGroup}/v1`;

/**
 * Makes sure that the default roles and bindings are there, and hold at least what they ship with.
 *
 * What an administrator added stays; a role annotated with autoupdate `false` is left alone.
 */
export async function ensureDefaultRoles(
  client: InProcessClient,
  cache: ObjectCache,
  served: ServedResources,
): Promise<void> {
  const find = (plural: string, name: string): KubeObject | undefined => {
    const { prefix } = served.find(rbacGroup, 'v1', plural)!;
    return cache.resource(prefix).get(storeKey(prefix, '', name))?.object;
  };
  const writes: Promise<unknown>[] = [];
  for (const role of defaultClusterRoles) {
    const current = find('clusterroles', role.name);
    if (current === undefined) writes.push(client.request('POST', `${root}/clusterroles`, roleObject(role)));
    else if (updates(current) && role.aggregate === undefined) {
      const missing = missingRules(policyRules(current), rulesOf(role.rules));
      if (missing.length === 0) continue;
      const rules = [...policyRules(current), ...missing].map(ruleJson);
      writes.push(client.request('PUT', `${root}/clusterroles/${role.name}`, { ...current, rules }));
    }
  }
  for (const [role, subjects] of defaultClusterRoleBindings) {
    const wanted = subjects.map(subjectObject);
    const current = find('clusterrolebindings', role);
    if (current === undefined) {
      writes.push(client.request('POST', `${root}/clusterrolebindings`, bindingObject(role, wanted)));
    } else if (updates(current)) {
      const held = Array.isArray(current.subjects) ? (current.subjects as unknown[]) : [];
      const missing = wanted.filter((subject) => !held.some((one) => sameSubject(one, subject)));
      if (missing.length === 0) continue;
      const next = { ...current, subjects: [...held, ...missing] };
      writes.push(client.request('PUT', `${root}/clusterrolebindings/${role}`, next));
    }
  }
  await Promise.all(writes);
}

function updates(object: KubeObject): boolean {
  return object.metadata.annotations?.[autoUpdate] === 'true';
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { name, labels: { ...defaultLabels, ...labels }, annotations: { [autoUpdate]: 'true' } };
}

function roleObject(role: DefaultRole): object {
  const label = (suffix: string): Record<string, string> => ({ [`${rbacGroup}/aggregate-to-${suffix}`]: 'true' });
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRole',
    metadata: metadata(role.name, role.aggregatedTo === undefined ? {} : label(role.aggregatedTo)),
    ...(role.aggregate === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: label(role.aggregate) }] } }),
    rules: role.rules,
  };
}

function bindingObject(role: string, subjects: readonly object[]): object {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(role),
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: role },
    ...(subjects.length === 0 ? {} : { subjects }),
  };
}

function subjectObject(text: string): Record<string, string> {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const name = text.slice(colon + 1);
  if (kind !== 'ServiceAccount') return { apiGroup: rbacGroup, kind, name };
  const [namespace = '', account = ''] = name.split('/');
  return { kind, name: account, namespace };
}

function sameSubject(left: unknown, right: Readonly<Record<string, string>>): boolean {
  const { kind, name, namespace } = recordOf(left) ?? {};
  return kind === right.kind && name === right.name && (namespace ?? '') === (right.namespace ?? '');
}
