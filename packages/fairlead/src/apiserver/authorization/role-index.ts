// Hot path: looked up by every request of a user who is not an administrator.
import type { UserInfo } from '../server/api-request.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type PolicyRule, policyRules } from './policy-rule.ts';

/** Who a binding names. */
export interface RoleSubject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** A RoleBinding or ClusterRoleBinding, reduced to what a decision needs. */
export interface Binding {
  readonly name: string;
  /** Empty: a ClusterRoleBinding. */
  readonly namespace: string;
  readonly roleKind: string;
  readonly roleName: string;
  readonly subjects: readonly RoleSubject[];
}

/** The rules of a role, by the resource they name. */
export class IndexedRole {
  readonly rules: readonly PolicyRule[];
  readonly #byResource = new Map<string, PolicyRule[]>();
  readonly pathRules: readonly PolicyRule[];

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    this.pathRules = rules.filter((rule) => rule.nonResourceURLs.length > 0);
    for (const rule of rules) {
      for (const resource of new Set(rule.resources)) {
        const same = this.#byResource.get(resource);
        if (same === undefined) this.#byResource.set(resource, [rule]);
        else same.push(rule);
      }
    }
  }

  /** Rules that name exactly this text: `pods`, `pods/log`, an asterisk, or an asterisk and a subresource. */
  naming(resource: string): readonly PolicyRule[] {
    return this.#byResource.get(resource) ?? noRules;
  }
}

const noRules: readonly PolicyRule[] = [];
const noBindings: ReadonlyMap<string, Binding> = new Map();

/**
 * Roles by name and bindings by subject, kept by the change events of the four kinds.
 *
 * One change costs the subjects of one binding or the rules of one role; a lookup costs the
 * bindings of the user, whatever the size of the cluster.
 */
export class RoleIndex {
  readonly #roles = new Map<string, IndexedRole>();
  readonly #bindings = new Map<string, Binding>();
  /** Subject key (after the namespace of the binding) to its bindings by key. */
  readonly #bySubject = new Map<string, Map<string, Binding>>();

  /** Takes over a role; the namespace of a ClusterRole is empty. */
  setRole(namespace: string, name: string, role: KubeObject | undefined): void {
    const key = `${namespace}/${name}`;
    if (role === undefined) this.#roles.delete(key);
    else this.#roles.set(key, new IndexedRole(policyRules(role)));
  }

  /** Takes over a binding; the namespace of a ClusterRoleBinding is empty. */
  setBinding(namespace: string, name: string, object: KubeObject | undefined): void {
    const key = `${namespace}/${name}`;
    const old = this.#bindings.get(key);
    if (old !== undefined) {
      this.#bindings.delete(key);
      for (const subject of old.subjects) {
        const place = subjectKey(namespace, subject);
        const held = this.#bySubject.get(place);
        held?.delete(key);
        if (held?.size === 0) this.#bySubject.delete(place);
      }
    }
    if (object === undefined) return;
    const binding = bindingOf(namespace, name, object);
    this.#bindings.set(key, binding);
    for (const subject of binding.subjects) {
      const place = subjectKey(namespace, subject);
      const held = this.#bySubject.get(place);
      if (held === undefined) this.#bySubject.set(place, new Map([[key, binding]]));
      else held.set(key, binding);
    }
  }

  /** The role a binding names, or `undefined` when there is none. */
  roleOf(binding: Pick<Binding, 'roleKind' | 'roleName' | 'namespace'>): IndexedRole | undefined {
    return this.#roles.get(`${binding.roleKind === 'ClusterRole' ? '' : binding.namespace}/${binding.roleName}`);
  }

  /** Calls back with each binding of a scope that names the user; stops when the callback returns true. */
  visit(user: UserInfo, namespace: string, visitor: (binding: Binding, subject: RoleSubject) => boolean): void {
    for (const key of userKeys(user)) {
      for (const binding of (this.#bySubject.get(`${namespace}|${key}`) ?? noBindings).values()) {
        const subject = binding.subjects.find((one) => subjectKey(namespace, one) === `${namespace}|${key}`);
        if (subject !== undefined && visitor(binding, subject)) return;
      }
    }
  }
}

function bindingOf(namespace: string, name: string, object: KubeObject): Binding {
  const ref = recordOf(object.roleRef) ?? {};
  const subjects = Array.isArray(object.subjects) ? (object.subjects as unknown[]) : [];
  return {
    name,
    namespace,
    roleKind: String(ref.kind ?? ''),
    roleName: String(ref.name ?? ''),
    subjects: subjects.map((item) => {
      const { kind, name: subjectName, namespace: own } = recordOf(item) ?? {};
      return {
        kind: String(kind ?? ''),
        name: String(subjectName ?? ''),
        namespace: kind === 'ServiceAccount' ? String(own ?? '') || namespace : '',
      };
    }),
  };
}

/** `scope|u:name`, `scope|g:name`; a ServiceAccount is the user it acts as. */
function subjectKey(scope: string, subject: RoleSubject): string {
  switch (subject.kind) {
    case 'Group':
      return `${scope}|g:${subject.name}`;
    case 'ServiceAccount':
      return `${scope}|u:system:serviceaccount:${subject.namespace}:${subject.name}`;
    default:
      return `${scope}|u:${subject.name}`;
  }
}

function* userKeys(user: UserInfo): IterableIterator<string> {
  yield `u:${user.name}`;
  for (const group of user.groups) yield `g:${group}`;
}
