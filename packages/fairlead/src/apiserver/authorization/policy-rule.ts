// Hot path: ruleAllows* runs per request, binding and rule.
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** One rule of a role, complete: absent lists are empty. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** What a request wants to do to a resource. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** Plural name. */
  readonly resource: string;
  /** Empty: the resource itself. */
  readonly subresource: string;
  /** Empty: cluster scope or all namespaces. */
  readonly namespace: string;
  /** Empty: the collection. */
  readonly name: string;
  /** Of a list or watch, as the client wrote it. */
  readonly fieldSelector?: string;
}

/** What a request wants to do to a path that is no resource. */
export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

const fields = ['verbs', 'apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'] as const;

/** The rules of a stored Role or ClusterRole. */
export function policyRules(role: KubeObject): PolicyRule[] {
  return rulesOf(role.rules);
}

/** A list of rules as JSON. */
export function rulesOf(value: unknown): PolicyRule[] {
  return (Array.isArray(value) ? (value as unknown[]) : []).map((item) => {
    const rule = recordOf(item) ?? {};
    const text = (name: string): string[] => {
      const list = rule[name];
      return Array.isArray(list) ? list.map(String) : [];
    };
    return {
      verbs: text('verbs'),
      apiGroups: text('apiGroups'),
      resources: text('resources'),
      resourceNames: text('resourceNames'),
      nonResourceURLs: text('nonResourceURLs'),
    };
  });
}

/** A rule as JSON: empty lists are left out, in the field order of the API. */
export function ruleJson(rule: PolicyRule): Record<string, readonly string[]> {
  const json: Record<string, readonly string[]> = {};
  for (const name of fields) if (name === 'verbs' || rule[name].length > 0) json[name] = rule[name];
  return json;
}

/** True when a rule allows an action on a resource. */
export function ruleAllowsResource(rule: PolicyRule, wanted: ResourceAttributes): boolean {
  const { verbs, apiGroups, resources, resourceNames } = rule;
  return (
    (verbs.includes('*') || verbs.includes(wanted.verb)) &&
    (apiGroups.includes('*') || apiGroups.includes(wanted.group)) &&
    namesResource(resources, wanted.resource, wanted.subresource) &&
    (resourceNames.length === 0 || resourceNames.includes(wanted.name))
  );
}

/** True when a rule allows an action on a path. */
export function ruleAllowsPath(rule: PolicyRule, wanted: PathAttributes): boolean {
  const { verbs, nonResourceURLs } = rule;
  if (!verbs.includes('*') && !verbs.includes(wanted.verb)) return false;
  return nonResourceURLs.some((url) => urlCovers(url, wanted.path));
}

function namesResource(resources: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === '') return resources.includes('*') || resources.includes(resource);
  return (
    resources.includes('*') ||
    resources.includes(`${resource}/${subresource}`) ||
    resources.includes(`*/${subresource}`)
  );
}

/** A URL of a rule matches itself, and what starts with it when it ends in an asterisk. */
function urlCovers(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')));
}

/** True when everything `part` allows is allowed by `whole` alone. */
export function ruleCovers(whole: PolicyRule, part: PolicyRule): boolean {
  return (
    hasAll(whole.verbs, part.verbs) &&
    hasAll(whole.apiGroups, part.apiGroups) &&
    part.resources.every((resource) => resourceCovered(whole.resources, resource)) &&
    part.nonResourceURLs.every((path) => whole.nonResourceURLs.some((url) => urlCovers(url, path))) &&
    (whole.resourceNames.length === 0 ||
      (part.resourceNames.length > 0 && part.resourceNames.every((name) => whole.resourceNames.includes(name))))
  );
}

function hasAll(whole: readonly string[], part: readonly string[]): boolean {
  return whole.includes('*') || part.every((item) => whole.includes(item));
}

function resourceCovered(whole: readonly string[], resource: string): boolean {
  if (whole.includes('*') || whole.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && whole.includes(`*${resource.slice(slash)}`);
}
