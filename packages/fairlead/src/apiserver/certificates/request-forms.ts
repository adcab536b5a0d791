import type { UserInfo } from '../server/api-request.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

type Condition = Readonly<Record<string, unknown>>;

/** Conditions that only the subresource `approval` writes. */
const decisions: ReadonlySet<unknown> = new Set(['Approved', 'Denied']);

/** True for the built-in kind; a definition may use its name for something else. */
export function isCertificateRequest({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return group === 'certificates.k8s.io' && kind === 'CertificateSigningRequest';
}

/** Who asks for a certificate is who sends the request, whatever the object says. Changes `object`. */
export function stampRequester(object: KubeObject, user: UserInfo): void {
  const { username: _, uid: __, groups: ___, extra: ____, ...spec } = recordOf(object.spec) ?? {};
  object.spec = {
    ...spec,
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra === undefined || Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

/**
 * What a write may change of a request: nothing but metadata, or through `approval` and `status` its status.
 * `status` keeps the decision. Never changes its arguments.
 */
export function isolateCertificateRequest(
  proposed: KubeObject,
  old: KubeObject,
  subresource: string | undefined,
): KubeObject {
  const status = recordOf(proposed.status) ?? {};
  if (subresource === undefined) return { ...proposed, spec: old.spec, status: old.status };
  if (subresource === 'approval') return { ...proposed, spec: old.spec, status };
  const kept = conditionsOf(old).filter(({ type }) => decisions.has(type));
  const conditions = conditionsOf(proposed).map((condition) => {
    if (!decisions.has(condition.type)) return condition;
    return kept.find(({ type }) => type === condition.type) ?? condition;
  });
  return {
    ...proposed,
    spec: old.spec,
    status: { ...status, ...(conditions.length === 0 ? {} : { conditions }) },
  };
}

/** Fills in the times of conditions; one that says the same as before keeps its time. Changes `object`. */
export function stampConditions(object: KubeObject, old: KubeObject, now: string): void {
  const before = conditionsOf(old);
  const conditions = conditionsOf(object).map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
    };
  });
  if (conditions.length > 0) object.status = { ...recordOf(object.status), conditions };
}

/** The conditions in the status of an object. */
export function conditionsOf(object: KubeObject): readonly Condition[] {
  const conditions = recordOf(object.status)?.conditions;
  return Array.isArray(conditions) ? (conditions as Condition[]) : [];
}
