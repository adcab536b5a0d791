// Hot path: decides about every request.
import type { ServedResources } from '../resources/served-resources.ts';
import { isAdministrator, type UserInfo } from '../server/api-request.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';
import { decideForNode, nodeNameOf } from './node-authorizer.ts';
import { NodeGraph } from './node-graph.ts';
import {
  type PathAttributes,
  type PolicyRule,
  type ResourceAttributes,
  ruleAllowsPath,
  ruleAllowsResource,
} from './policy-rule.ts';
import { type Binding, type IndexedRole, RoleIndex, type RoleSubject } from './role-index.ts';

/** API group of roles and bindings. */
export const rbacGroup = 'rbac.authorization.k8s.io';

/** What the authorizer found, with its reason in the words of a Kubernetes server. */
export interface Decision {
  readonly allowed: boolean;
  /** Which binding allows it, or what is wrong with bindings that might; may be empty. */
  readonly reason: string;
}

const masterDecision: Decision = { allowed: true, reason: '' };

/**
 * The Node authorizer, then role-based access control over the stored roles and bindings.
 *
 * Members of `system:masters` may do everything. Node agents may do what their Node and its Pods
 * need. A namespaced request is decided by ClusterRoleBindings, then by the RoleBindings of its
 * namespace.
 */
export class Authorizer {
  readonly #index = new RoleIndex();
  readonly #nodes: NodeGraph;

  /** Reads the stored roles and bindings, and follows them from then on. */
  constructor(cache: ObjectCache, served: ServedResources) {
    this.#nodes = new NodeGraph(cache, served);
    const follow = (plural: string, take: (namespace: string, name: string, object?: KubeObject) => void): void => {
      const resource = cache.resource(served.find(rbacGroup, 'v1', plural)!.prefix);
      for (const { object } of resource.list('')) {
        take(object.metadata.namespace ?? '', object.metadata.name ?? '', object);
      }
      resource.subscribe({
        namespace: '',
        name: undefined,
        receive: ({ current, deleted }) => {
          const { namespace, name } = current.object.metadata;
          take(namespace ?? '', name ?? '', deleted ? undefined : current.object);
        },
      });
    };
    for (const plural of ['roles', 'clusterroles']) {
      follow(plural, (namespace, name, object) => this.#index.setRole(namespace, name, object));
    }
    for (const plural of ['rolebindings', 'clusterrolebindings']) {
      follow(plural, (namespace, name, object) => this.#index.setBinding(namespace, name, object));
    }
  }

  /** May a user do this to a resource? */
  resource(user: UserInfo, wanted: ResourceAttributes): Decision {
    if (isAdministrator(user)) return masterDecision;
    const node = nodeNameOf(user);
    const asNode = node === undefined ? undefined : decideForNode(node, wanted, this.#nodes);
    if (asNode?.allowed === true) return asNode;
    const { resource, subresource, namespace } = wanted;
    const names = subresource === '' ? ['*', resource] : ['*', `${resource}/${subresource}`, `*/${subresource}`];
    const byRole = this.#decide(user, namespace, (role) =>
      names.some((name) => role.naming(name).some((rule) => ruleAllowsResource(rule, wanted))),
    );
    if (byRole.allowed || asNode === undefined || asNode.reason === '') return byRole;
    return byRole.reason === '' ? asNode : { allowed: false, reason: `[${asNode.reason}, ${byRole.reason}]` };
  }

  /** May a user do this to a path that is no resource? */
  path(user: UserInfo, wanted: PathAttributes): Decision {
    if (isAdministrator(user)) return masterDecision;
    return this.#decide(user, '', (role) => role.pathRules.some((rule) => ruleAllowsPath(rule, wanted)));
  }

  /** Every rule that applies to a user in a namespace (empty: cluster-wide ones only). */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    const rules: PolicyRule[] = [];
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      const seen = new Set<Binding>();
      this.#index.visit(user, scope, (binding) => {
        if (!seen.has(binding)) rules.push(...(this.#index.roleOf(binding)?.rules ?? []));
        seen.add(binding);
        return false;
      });
    }
    return rules;
  }

  /** The rules of a role by reference; `undefined` when it does not exist. */
  rulesOfRole(namespace: string, roleKind: string, roleName: string): readonly PolicyRule[] | undefined {
    return this.#index.roleOf({ namespace, roleKind, roleName })?.rules;
  }

  #decide(user: UserInfo, namespace: string, allows: (role: IndexedRole) => boolean): Decision {
    let reason: string | undefined;
    const missing: string[] = [];
    const visitor = (binding: Binding, subject: RoleSubject): boolean => {
      const role = this.#index.roleOf(binding);
      if (role === undefined) {
        const kind = binding.roleKind.toLowerCase();
        missing.push(`${kind}.${rbacGroup} ${JSON.stringify(binding.roleName)} not found`);
        return false;
      }
      if (!allows(role)) return false;
      reason = `RBAC: allowed by ${describe(binding, subject)}`;
      return true;
    };
    this.#index.visit(user, '', visitor);
    if (reason === undefined && namespace !== '') this.#index.visit(user, namespace, visitor);
    if (reason !== undefined) return { allowed: true, reason };
    const unique = [...new Set(missing)];
    if (unique.length === 0) return { allowed: false, reason: '' };
    return { allowed: false, reason: `RBAC: ${unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`}` };
  }
}

function describe(binding: Binding, subject: RoleSubject): string {
  const cluster = binding.namespace === '';
  const name = cluster ? binding.name : `${binding.name}/${binding.namespace}`;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace}` : subject.name;
  return [
    `${cluster ? 'ClusterRoleBinding' : 'RoleBinding'} ${JSON.stringify(name)}`,
    `of ${binding.roleKind} ${JSON.stringify(binding.roleName)}`,
    `to ${subject.kind} ${JSON.stringify(who)}`,
  ].join(' ');
}
