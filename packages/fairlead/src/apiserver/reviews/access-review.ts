import type { FieldCause } from '@fairlead/api/schema';
import { invalid as invalidValue, required as requiredValue } from '@fairlead/api/schema/field-cause';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { UserInfo } from '../server/api-request.ts';
import { invalid } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** Whose access is asked about: the caller's own, anybody's, or anybody's in one namespace. */
export type ReviewScope = 'self' | 'cluster' | 'namespace';

/** Throws the 422 of a question that is none. */
export function checkAccessReview(review: KubeObject, scope: ReviewScope, namespace: string): void {
  const spec = recordOf(review.spec) ?? {};
  const resource = recordOf(spec.resourceAttributes);
  const path = recordOf(spec.nonResourceAttributes);
  const causes: FieldCause[] = [];
  const bad = (field: string, value: unknown, why: string): void => {
    causes.push({
      reason: 'FieldValueInvalid',
      field,
      message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`,
    });
  };
  if (resource !== undefined && path !== undefined) {
    bad('spec.nonResourceAttributes', shownPath(path), 'cannot be specified in combination with resourceAttributes');
  }
  if (resource === undefined && path === undefined) {
    bad(
      'spec.resourceAttributes',
      null,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  }
  if (scope !== 'self' && String(spec.user ?? '') === '' && listOf(spec.groups).length === 0) {
    bad('spec.user', '', 'at least one of user or group must be specified');
  }
  if (scope === 'namespace') {
    if (resource !== undefined && String(resource.namespace ?? '') !== namespace) {
      bad('spec.resourceAttributes.namespace', String(resource.namespace ?? ''), 'must match metadata.namespace');
    }
    if (path !== undefined) bad('spec.nonResourceAttributes', shownPath(path), 'disallowed on this kind of request');
  }
  for (const name of ['fieldSelector', 'labelSelector'] as const) {
    const selector = recordOf(resource?.[name]);
    if (selector !== undefined) causes.push(...selectorCauses(selector, `spec.resourceAttributes.${name}`));
  }
  const { managedFields: _, ...metadata } = review.metadata;
  if (scope === 'namespace') delete metadata.namespace;
  if (Object.values(metadata).some((value) => value !== undefined)) {
    bad('metadata', review.metadata, scope === 'namespace' ? 'must be empty except for namespace' : 'must be empty');
  }
  if (causes.length > 0) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', causes);
}

/** By the names of the server's internal type. */
function shownPath(path: Readonly<Record<string, unknown>>): object {
  return { Path: path.path ?? '', Verb: path.verb ?? '' };
}

/** Mistakes of a field or label selector: text or requirements, and values as the operator wants them. */
function selectorCauses(selector: Readonly<Record<string, unknown>>, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const raw = String(selector.rawSelector ?? '');
  const requirements = Array.isArray(selector.requirements) ? (selector.requirements as unknown[]).map(recordOf) : [];
  if (raw !== '' && requirements.length > 0) {
    causes.push(invalidValue(`${field}.rawSelector`, raw, 'may not specified at the same time as requirements'));
  }
  if (raw === '' && requirements.length === 0) {
    causes.push(
      requiredValue(`${field}.requirements`, `when ${field} is specified, requirements or rawSelector is required`),
    );
  }
  for (const [index, requirement] of requirements.entries()) {
    const at = `${field}.requirements[${index}]`;
    const values = listOf(requirement?.values);
    if (String(requirement?.key ?? '') === '') causes.push(requiredValue(`${at}.key`, 'must be specified'));
    switch (requirement?.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          causes.push(requiredValue(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          const message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
          causes.push({ reason: 'FieldValueForbidden', field: `${at}.values`, message });
        }
        break;
      // Other operators are left to authorizers that know them.
    }
  }
  return causes;
}

/** The user a review names. */
export function reviewedUser(review: KubeObject): UserInfo {
  const spec = recordOf(review.spec) ?? {};
  const uid = String(spec.uid ?? '');
  return { name: String(spec.user ?? ''), groups: listOf(spec.groups), ...(uid === '' ? {} : { uid }) };
}

/** `status` of a review: what the authorizer says. */
export function accessStatus(authorizer: Authorizer, user: UserInfo, review: KubeObject): object {
  const spec = recordOf(review.spec) ?? {};
  const path = recordOf(spec.nonResourceAttributes);
  const text = (from: Record<string, unknown> | undefined, field: string): string => String(from?.[field] ?? '');
  const resource = recordOf(spec.resourceAttributes);
  const decision =
    path === undefined
      ? authorizer.resource(user, {
          verb: text(resource, 'verb'),
          group: text(resource, 'group'),
          version: text(resource, 'version'),
          resource: text(resource, 'resource'),
          subresource: text(resource, 'subresource'),
          namespace: text(resource, 'namespace'),
          name: text(resource, 'name'),
          ...fieldSelectorOf(resource),
        })
      : authorizer.path(user, { verb: text(path, 'verb'), path: text(path, 'path') });
  return { allowed: decision.allowed, ...(decision.reason === '' ? {} : { reason: decision.reason }) };
}

/** The field selector of the question: raw, or its requirements as one text. */
function fieldSelectorOf(resource: Record<string, unknown> | undefined): { readonly fieldSelector?: string } {
  const selector = recordOf(resource?.fieldSelector);
  if (typeof selector?.rawSelector === 'string') return { fieldSelector: selector.rawSelector };
  if (!Array.isArray(selector?.requirements)) return {};
  const terms = (selector.requirements as unknown[]).flatMap((item) => {
    const { key, operator, values } = recordOf(item) ?? {};
    const [value] = listOf(values);
    return operator === 'In' && value !== undefined && listOf(values).length === 1 ? [`${String(key)}=${value}`] : [];
  });
  return { fieldSelector: terms.join(',') };
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
