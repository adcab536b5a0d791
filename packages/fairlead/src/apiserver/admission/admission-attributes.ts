import { selectorMatches } from '@fairlead/api/label-selector';
import type { ServedResource } from '../resources/served-resources.ts';
import type { RestContext } from '../rest/rest-context.ts';
import type { UserInfo } from '../server/api-request.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';

/** One write on its way through admission. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** The version admission sees it in. */
  readonly resource: ServedResource;
  /** The version of the request, where that is another one. */
  readonly requested?: ServedResource;
  readonly subresource: string | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Absent on DELETE. */
  readonly object: KubeObject | undefined;
  /** Absent on CREATE. */
  readonly old: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Takes what policies and webhooks note for the audit log, by key. */
  readonly auditAnnotations?: Map<string, string>;
}

/** The matching part of webhooks, policies and bindings. */
export interface MatchRules {
  readonly resourceRules?: readonly MatchRule[];
  readonly excludeResourceRules?: readonly MatchRule[];
  readonly namespaceSelector?: object;
  readonly objectSelector?: object;
}

/** Which writes a rule is about. */
export interface MatchRule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

/** True when a write is one of those the rules and selectors are about; no rules match everything. */
export function matchesWrite(context: RestContext, match: MatchRules | undefined, write: AdmissionAttributes): boolean {
  if (match === undefined) return true;
  const rules = match.resourceRules ?? [];
  if (rules.length > 0 && !rules.some((rule) => ruleMatches(rule, write))) return false;
  if ((match.excludeResourceRules ?? []).some((rule) => ruleMatches(rule, write))) return false;
  return selects(match.objectSelector, write) && selectsNamespace(context, match.namespaceSelector, write);
}

function ruleMatches(rule: MatchRule, write: AdmissionAttributes): boolean {
  const { resource, subresource, operation, name } = write;
  const oneOf = (list: readonly string[] | undefined, value: string): boolean =>
    (list ?? []).some((item) => item === '*' || item === value);
  if (!oneOf(rule.operations, operation) || !oneOf(rule.apiGroups, resource.group)) return false;
  if (!oneOf(rule.apiVersions, resource.version)) return false;
  const scope = rule.scope ?? '*';
  // A Namespace is a cluster-scoped object, whatever its requests look like.
  if (scope !== '*' && (scope === 'Namespaced') !== resource.namespaced) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && !names.includes(name)) return false;
  return (rule.resources ?? []).some((text) => {
    const [plural = '', sub] = text.split('/');
    if (plural !== '*' && plural !== resource.plural) return false;
    return sub === undefined ? subresource === undefined : sub === '*' || sub === subresource;
  });
}

function isEmptySelector(selector: object | undefined): boolean {
  return selector === undefined || Object.keys(selector).length === 0;
}

function selects(selector: object | undefined, write: AdmissionAttributes): boolean {
  if (isEmptySelector(selector)) return true;
  return [write.object, write.old].some(
    (object) => object !== undefined && selectorMatches(selector as object, object.metadata.labels),
  );
}

function selectsNamespace(context: RestContext, selector: object | undefined, write: AdmissionAttributes): boolean {
  if (isEmptySelector(selector)) return true;
  if (write.resource.kind === 'Namespace' && write.resource.group === '') {
    const labels = (write.object ?? write.old)?.metadata.labels;
    return selectorMatches(selector as object, labels);
  }
  if (!write.resource.namespaced) return true;
  return selectorMatches(selector as object, namespaceOf(context, write.namespace)?.metadata.labels);
}

/** The Namespace object of a write, if there is one. */
export function namespaceOf(context: RestContext, namespace: string): KubeObject | undefined {
  const resource = context.served.find('', 'v1', 'namespaces');
  if (namespace === '' || resource === undefined) return undefined;
  return context.cache.resource(resource.prefix).get(storeKey(resource.prefix, '', namespace))?.object;
}

/** The `request` of an AdmissionReview and of CEL expressions, without the objects. */
export function requestOf(write: AdmissionAttributes, uid: string): Record<string, unknown> {
  const { resource, user } = write;
  const kind = { group: resource.group, version: resource.version, kind: resource.kind };
  const plural = { group: resource.group, version: resource.version, resource: resource.plural };
  const asked = write.requested ?? resource;
  return {
    uid,
    kind,
    resource: plural,
    ...(write.subresource === undefined ? {} : { subResource: write.subresource }),
    requestKind: { group: asked.group, version: asked.version, kind: asked.kind },
    requestResource: { group: asked.group, version: asked.version, resource: asked.plural },
    ...(write.subresource === undefined ? {} : { requestSubResource: write.subresource }),
    ...(write.name === '' ? {} : { name: write.name }),
    ...(write.namespace === '' ? {} : { namespace: write.namespace }),
    operation: write.operation,
    userInfo: {
      username: user.name,
      groups: [...user.groups],
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun: write.dryRun,
    options: { kind: optionsKinds[write.operation], apiVersion: 'meta.k8s.io/v1' },
  };
}

const optionsKinds = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: 'ConnectOptions',
};

/** A list of records, whatever is there. */
export function recordsOf(value: unknown): Record<string, unknown>[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  return list.map(recordOf).filter((item) => item !== undefined);
}
